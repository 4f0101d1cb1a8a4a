// SPDX-License-Identifier: Apache-2.0
#include "guest/printing_threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "guest/proc.h"
#include "guest/text_file.h"

namespace nsgate::guest {
namespace {

/// "State:\tS (sleeping)" without its name, of /proc/PID/status.
std::string field(const std::string& status, std::string_view name) {
  const auto at = status.find(std::string("\n").append(name).append(":\t"));
  if (at == status.npos) return {};
  const auto begin = at + name.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

constexpr std::string_view sleeps = "voluntary_ctxt_switches";

/// Kernel threads are children of kthreadd, whose pid is 2; a program may call itself pr/ as well.
bool prints(const std::string& status) {
  return status.starts_with("Name:\tpr/") && field(status, "PPid") == "2";
}

std::vector<std::string> pids() {
  std::vector<std::string> found;
  const int fd = ::openat(kept_proc(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const directory = fd < 0 ? nullptr : ::fdopendir(fd);
  if (directory == nullptr) return found;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name.find_first_not_of("0123456789") == name.npos) found.emplace_back(name);
  }
  ::closedir(directory);
  return found;
}

std::string status_of(const std::string& path) { return read_bytes("/proc/" + path).value_or(""); }

}  // namespace

PrintingThreads::PrintingThreads() {
  for (const auto& pid : pids()) {
    auto path = pid + "/status";
    const auto status = status_of(path);
    if (prints(status)) threads_.push_back({std::move(path), field(status, sleeps)});
  }
}

void PrintingThreads::wait_until_idle(std::chrono::milliseconds patience) const {
  const auto end = std::chrono::steady_clock::now() + patience;
  const auto idle = [](const Thread& thread) {
    const auto status = status_of(thread.status);
    return field(status, "State").starts_with("S") && field(status, sleeps) != thread.before;
  };
  while (!std::ranges::all_of(threads_, idle) && std::chrono::steady_clock::now() < end) {
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace nsgate::guest
