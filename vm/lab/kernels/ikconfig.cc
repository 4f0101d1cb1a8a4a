// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/ikconfig.h"

#include <cstdint>
#include <string_view>

#include "lab/kernels/bzimage.h"
#include "lab/kernels/decompress.h"
#include "lab/kernels/mapped_file.h"
#include "lab/kernels/vmlinux.h"

namespace nsgate::lab {
namespace {

constexpr std::size_t largest_kernel = std::size_t{1} << 30;
constexpr std::size_t largest_config = std::size_t{1} << 24;

std::optional<std::string> config_between_marks(std::string_view kernel) {
  constexpr std::string_view begin = "IKCFG_ST";
  constexpr std::string_view end = "IKCFG_ED";
  const auto first = kernel.find(begin);
  if (first == kernel.npos) return std::nullopt;
  kernel.remove_prefix(first + begin.size());
  const auto last = kernel.find(end);
  if (last == kernel.npos) return std::nullopt;
  auto text = decompress_beginning(kernel.substr(0, last), largest_config);
  // Whatever else stands between the marks would come out as it is.
  if (text.find("CONFIG_") == text.npos) return std::nullopt;
  return text;
}

}  // namespace

Expected<std::optional<std::string>> config_in_image(const std::filesystem::path& image) {
  const auto mapped = MappedFile::open(image);
  if (!mapped) return std::unexpected(mapped.error());
  if (is_elf(mapped->bytes())) return config_between_marks(mapped->bytes());
  const auto payload = compressed_kernel(mapped->bytes());
  return config_between_marks(decompress_beginning(payload, largest_kernel));
}

}  // namespace nsgate::lab
