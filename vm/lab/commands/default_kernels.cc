// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/default_kernels.h"

#include "lab/kernels/kernel_catalogue.h"

namespace nsgate::lab {

Expected<std::vector<std::string>> default_kernels(const std::filesystem::path& catalogue) {
  const auto loaded = load_kernel_catalogue(catalogue);
  if (!loaded) return std::unexpected(loaded.error());
  std::vector<std::string> names;
  for (const auto& series : loaded->series) {
    if (series.is_default) names.push_back(series.name);
  }
  return names;
}

}  // namespace nsgate::lab
