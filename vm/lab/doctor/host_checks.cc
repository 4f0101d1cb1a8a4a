// SPDX-License-Identifier: Apache-2.0
#include "lab/doctor/host_checks.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "lab/base/process.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using Level = Check::Level;

/// What one guest takes: its 512 MiB, 256 MiB for translated code, and QEMU itself.
constexpr std::uint64_t guest_mib = 850;

/// A kernel's package and image are 60 MiB at most; a guest's image lies in its results while it
/// runs.
constexpr std::uint64_t comfortable_mib = 1024;
constexpr std::uint64_t least_mib = 128;

fs::path nearest_existing(fs::path folder) {
  std::error_code ignored;
  while (!fs::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

std::string size_of(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(
           folder, fs::directory_options::skip_permission_denied, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    const auto size = entry->is_regular_file(ignored) ? entry->file_size(ignored) : 0;
    if (!ignored) bytes += size;
  }
  return std::to_string(bytes >> 20) + " MiB";
}

/// By making a file that never has a name (O_TMPFILE, open(2)), which leaves nothing behind;
/// access(2) would not see a file system that is read-only for other reasons.
std::string write_error(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  // Not every file system has nameless files (open(2), O_TMPFILE).
  if (errno != EOPNOTSUPP) return std::strerror(errno);
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? std::string() : std::strerror(errno);
}

bool says(const fs::path& program, const std::string& words) {
  const auto asked = run({.argv = {program.string(), "--version"}}, std::chrono::seconds(10));
  return asked && (asked->out + asked->err).find(words) != std::string::npos;
}

}  // namespace

Installer Installer::of_host() { return Installer(find_program("apt-get").has_value()); }

std::string Installer::remedy(const std::string& program, const std::string& package) const {
  return debian_ ? "apt-get install " + package : "install the program " + program;
}

std::optional<fs::path> find_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "") +
                             ":/usr/local/sbin:/usr/sbin:/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto file = fs::path(folder) / name;
    std::error_code ignored;
    if (!folder.empty() && fs::is_regular_file(file, ignored) &&
        ::access(file.c_str(), X_OK) == 0) {
      return file;
    }
  }
  return std::nullopt;
}

Check check_program(const NeededProgram& program, const Installer& installer) {
  const auto remedy = installer.remedy(program.name, program.package);
  const auto found = find_program(program.name);
  if (!found) {
    return {program.without, program.name, "not there; it " + program.purpose, remedy};
  }
  if (!program.version_says.empty() && !says(*found, program.version_says)) {
    return {program.without, program.name,
            found->string() + " is not " + program.version_says + ", which " + program.purpose,
            remedy};
  }
  return {Level::ok, program.name, found->string()};
}

Check check_file(const std::string& name, const fs::path& file, Level without,
                 const std::string& remedy) {
  std::error_code error;
  if (fs::is_regular_file(file, error) && ::access(file.c_str(), R_OK) == 0) {
    return {Level::ok, name, file.string()};
  }
  return {without, name, "cannot read " + file.string(), remedy};
}

Check check_writable(const std::string& name, const fs::path& folder, const std::string& variable) {
  const auto existing = nearest_existing(folder);
  const auto error = write_error(existing);
  if (!error.empty()) {
    return {Level::missing, name, "cannot write " + existing.string() + ": " + error,
            "make it writable, or set " + variable + " to a folder that is"};
  }
  if (existing != folder) return {Level::ok, name, folder.string() + ", not made yet"};
  return {Level::ok, name, folder.string() + ", " + size_of(folder)};
}

Check check_space(const std::string& name, const fs::path& folder) {
  const auto existing = nearest_existing(folder);
  std::error_code error;
  const auto space = fs::space(existing, error);
  if (error) return {Level::warn, name, existing.string() + ": " + error.message()};
  const auto mib = static_cast<std::uint64_t>(space.available) >> 20;
  const auto said = std::to_string(mib) + " MiB free at " + existing.string();
  if (mib >= comfortable_mib) return {Level::ok, name, said};
  return {mib < least_mib ? Level::missing : Level::warn, name, said,
          "free " + std::to_string(comfortable_mib) + " MiB there"};
}

HostSize size_of_host() {
  HostSize host{0, 1};
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t kib = 0;
    if (words >> key >> kib && key == "MemAvailable:") host.available_mib = kib >> 10;
  }
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    host.processors = static_cast<unsigned>(std::max(1, CPU_COUNT(&allowed)));
  }
  return host;
}

Check check_size(const HostSize& host) {
  const auto guests = std::min<std::uint64_t>(host.processors, host.available_mib / guest_mib);
  std::string said = std::to_string(host.available_mib) + " MiB of memory free, " +
                     std::to_string(host.processors) + " processors: ";
  if (guests == 0) {
    return {Level::missing, "size", said + "no room for a guest",
            "a guest takes " + std::to_string(guest_mib) + " MiB: end other programs"};
  }
  said += std::to_string(guests) + (guests == 1 ? " guest" : " guests") + " at a time";
  if (guests == host.processors) return {Level::ok, "size", said};
  return {Level::warn, "size", said, "run with -j " + std::to_string(guests)};
}

}  // namespace nsgate::lab
