// SPDX-License-Identifier: Apache-2.0
//
// How long each cell took the last time, so that the longest can start first.
//
//   auto durations = Durations::load(state / "durations.json");
//   durations.seconds_of("6.1-root");
//   durations.note("6.1-root", 41.5); durations.save();
//
// A file that is missing or broken is no fault: the order is then the default one.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace nsgate::lab {

/// Not thread-safe. Several processes may share the file; the last to save wins.
class Durations {
 public:
  static Durations load(const std::filesystem::path& file);

  std::optional<double> seconds_of(const std::string& cell) const;
  void note(const std::string& cell, double seconds) { seconds_[cell] = seconds; }
  /// In one step. Says nothing when it fails: nobody asked for it.
  void save() const;

 private:
  std::filesystem::path file_;
  std::map<std::string, double> seconds_;
};

}  // namespace nsgate::lab
