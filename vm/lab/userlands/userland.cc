// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/userland.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>

#include "lab/base/could_not_start.h"
#include "lab/image/shared_libraries.h"

namespace nsgate::lab {
namespace {

constexpr std::string_view mark = "GLIBC_2.";

/// -1 for no version.
int minor_of(std::string_view version) {
  constexpr std::string_view major = "2.";
  int minor = -1;
  if (version.starts_with(major)) {
    std::from_chars(version.data() + major.size(), version.data() + version.size(), minor);
  }
  return minor;
}

}  // namespace

unsigned memory_mib(const Userland& userland) {
  constexpr std::uint64_t mib = 1024 * 1024;
  const std::uint64_t wanted = (userland.unpacked_bytes * 5 / 2 + mib - 1) / mib + 192;
  return static_cast<unsigned>(std::max<std::uint64_t>(wanted, 512));
}

std::string newest_glibc_version(std::string_view bytes) {
  int newest = -1;
  for (auto at = bytes.find(mark); at != bytes.npos; at = bytes.find(mark, at + mark.size())) {
    int minor = -1;
    std::from_chars(bytes.data() + at + mark.size(), bytes.data() + bytes.size(), minor);
    newest = std::max(newest, minor);
  }
  return newest < 0 ? "" : "2." + std::to_string(newest);
}

Expected<void> check_payload(const Userland& userland, const std::filesystem::path& program) {
  if (userland.archive.empty()) return {};
  const auto wanted = shared_libraries(program);
  if (!wanted) return std::unexpected(wanted.error());
  if (wanted->empty()) return {};
  for (const auto& library : *wanted) {
    if (userland.libraries.contains(library.filename().string())) continue;
    return could_not_start("the userland " + userland.name + " has no " +
                           library.filename().string() + ", which " + program.string() +
                           " needs: link it statically, or take --userland none");
  }
  std::ostringstream bytes;
  bytes << std::ifstream(program, std::ios::binary).rdbuf();
  const auto version = newest_glibc_version(bytes.view());
  if (minor_of(version) <= minor_of(userland.glibc)) return {};
  return could_not_start(program.string() + " needs glibc " + version + ", and the userland " +
                         userland.name + " has " + userland.glibc +
                         ": build it on an older system, or take a newer userland");
}

}  // namespace nsgate::lab
