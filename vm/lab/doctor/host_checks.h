// SPDX-License-Identifier: Apache-2.0
//
// Does this machine have what cells need? Each answer names what is missing and how to get it.
//
// All of it reads only, but for one nameless file that shows whether a folder can be written.
// Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/doctor/check.h"

namespace nsgate::lab {

/// How software gets onto this machine: "apt-get install parallel", or in words where there is no
/// apt.
class Installer {
 public:
  explicit Installer(bool debian) : debian_(debian) {}
  /// By whether apt-get is in PATH.
  static Installer of_host();
  std::string remedy(const std::string& program, const std::string& package) const;

 private:
  bool debian_;
};

/// In PATH, or where system programs lie, which the PATH of a user may leave out.
std::optional<std::filesystem::path> find_program(const std::string& name);

struct NeededProgram {
  std::string name;
  std::string package;
  std::string purpose;
  Check::Level without = Check::Level::warn;
  std::string version_says{};  ///< its --version has to hold this: two programs can share a name
};

Check check_program(const NeededProgram& program, const Installer& installer);

/// `remedy` names what makes the file.
Check check_file(const std::string& name, const std::filesystem::path& file, Check::Level without,
                 const std::string& remedy);

/// A folder that exists can be written, or one that does not can be made.
Check check_writable(const std::string& name, const std::filesystem::path& folder,
                     const std::string& variable);

/// Of the file system of the folder, or of the nearest one above it that exists.
Check check_space(const std::string& name, const std::filesystem::path& folder);

struct HostSize {
  std::uint64_t available_mib;  ///< of memory: MemAvailable of /proc/meminfo
  unsigned processors;          ///< that this process may use
};
HostSize size_of_host();
Check check_size(const HostSize& host);

}  // namespace nsgate::lab
