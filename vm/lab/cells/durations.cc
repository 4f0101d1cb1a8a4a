// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/durations.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "lab/base/write_file.h"

namespace nsgate::lab {

Durations Durations::load(const std::filesystem::path& file) {
  Durations durations;
  durations.file_ = file;
  std::ifstream stream(file);
  const auto document = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return durations;
  for (const auto& [cell, seconds] : document.items()) {
    if (seconds.is_number()) durations.seconds_[cell] = seconds.get<double>();
  }
  return durations;
}

std::optional<double> Durations::seconds_of(const std::string& cell) const {
  const auto found = seconds_.find(cell);
  return found == seconds_.end() ? std::nullopt : std::optional(found->second);
}

void Durations::save() const {
  std::error_code ignored;
  std::filesystem::create_directories(file_.parent_path(), ignored);
  [[maybe_unused]] const auto written = write_file(file_, nlohmann::json(seconds_).dump(1) + '\n');
}

}  // namespace nsgate::lab
