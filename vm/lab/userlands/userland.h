// SPDX-License-Identifier: Apache-2.0
//
// What lies under the payload in a guest: a libc with its tools, or nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

inline constexpr const char* no_userland = "none";

struct Userland {
  std::string name = no_userland;    ///< as the user typed it
  std::filesystem::path archive{};   ///< uncompressed cpio (newc), the first part of the initramfs;
                                     ///< empty for "none"
  std::string sha256{};              ///< of the archive
  std::uint64_t unpacked_bytes = 0;  ///< what its files take of the guest's memory
  std::vector<std::string> unmet{};  ///< requirements of tests that it does not meet
  std::vector<std::string>
      packages{};                     ///< "libc6 2.36-9+deb12u14"; empty for one of the user's own
  std::set<std::string> libraries{};  ///< file names where its loader looks by itself
  std::string glibc{};                ///< the newest symbol version of its libc: "2.36"
  friend bool operator==(const Userland&, const Userland&) = default;
};

/// What a guest with this userland is given: its files are there twice while the kernel unpacks
/// them, and the tests need the rest.
unsigned memory_mib(const Userland& userland);

/// Whether the dynamic program would start on the userland's libc: its libraries are there, and the
/// libc is no older than the program wants. Always good for a static program and for "none". Fails
/// with could_not_start, naming what is missing. Thread-safe.
Expected<void> check_payload(const Userland& userland, const std::filesystem::path& program);

/// The newest "GLIBC_2.N" in the bytes of a program or libc as "2.N"; empty when there is none.
std::string newest_glibc_version(std::string_view bytes);

}  // namespace nsgate::lab
