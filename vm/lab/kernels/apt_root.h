// SPDX-License-Identifier: Apache-2.0
//
// An APT of our own in a folder: its own lists, cache, configuration and (empty) package state, so
// that nothing of the machine's is read or changed.
//
//   auto root = AptRoot::create(folder, sources, keyring, transport);
//   root->update();
//   auto kernel = root->newest("linux-image-cloud-amd64");
//   root->download(kernel->package, kernel->version);
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/base/process.h"

namespace nsgate::lab {

struct AptSource {
  std::string uri;
  std::string suite;
};

/// A package as the signed index of a suite describes it.
struct AptPackage {
  std::string package;
  std::string version;
  std::string architecture;
  std::string suite;
  std::string depends;
  std::uint64_t size;
  std::string sha256;
};

/// Every Failure is could_not_start and holds apt's own words. Not thread-safe.
class AptRoot {
 public:
  /// Empties the folder first; it is removed when this goes out of scope. Only what the keys in
  /// `keyring` signed is believed. `transport` is added to its apt.conf.
  static Expected<AptRoot> create(const std::filesystem::path& folder,
                                  const std::vector<AptSource>& sources,
                                  const std::filesystem::path& keyring,
                                  const std::string& transport);

  AptRoot(AptRoot&& other) noexcept;
  AptRoot& operator=(AptRoot&&) = delete;
  ~AptRoot();

  /// Fetches the indexes; one that is missing, expired or wrongly signed is a failure.
  Expected<void> update() const;

  /// The newest version in the suites.
  Expected<AptPackage> newest(const std::string& package) const;

  /// That version, or nothing when no suite has it.
  Expected<std::optional<AptPackage>> find(const std::string& package,
                                           const std::string& version) const;

  /// The .deb, within the folder, after apt has verified it against the signed index.
  Expected<std::filesystem::path> download(const std::string& package,
                                           const std::string& version) const;

 private:
  explicit AptRoot(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Expected<std::string> apt(std::vector<std::string> argv,
                            const std::filesystem::path& working_directory = {}) const;
  Expected<AptPackage> show(const std::string& what) const;

  std::filesystem::path folder_;
};

}  // namespace nsgate::lab
