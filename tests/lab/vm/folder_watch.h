// SPDX-License-Identifier: Apache-2.0
//
// Waits for what another process writes to files, told by inotify(7) instead of looking at them
// again and again.
//
//   const FolderWatch watch(folder);
//   const bool said = watch.await([&] { return contents(log).contains("ready"); },
//                                 std::chrono::seconds(120), writer.pidfd());
#pragma once

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace nsgate::lab {

/// Throws std::system_error when the kernel does not let it watch.
class FolderWatch {
 public:
  /// What lies in `folder` counts, and in all folders below it, whenever they are made.
  explicit FolderWatch(std::filesystem::path folder)
      : folder_(std::move(folder)), inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (inotify_ < 0) throw std::system_error(errno, std::generic_category(), "inotify_init1");
  }
  FolderWatch(const FolderWatch&) = delete;
  ~FolderWatch() { ::close(inotify_); }

  /// Whether the condition came true, in time and before the writer (a pidfd) had ended.
  template <typename Condition>
  bool await(const Condition& condition, std::chrono::milliseconds patience, int writer) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    std::array<pollfd, 2> events{{{inotify_, POLLIN, 0}, {writer, POLLIN, 0}}};
    while (true) {
      // Before the condition looks: what is written from then on wakes the poll.
      watch_below(folder_);
      if (condition()) return true;
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (events[1].revents != 0 || left.count() <= 0) return false;
      ::poll(events.data(), events.size(), static_cast<int>(left.count()));
      forget_events();
    }
  }

 private:
  void watch_below(const std::filesystem::path& folder) const {
    // First, so that no entry is made unseen after they are read.
    add(folder);
    std::error_code vanished;
    for (const auto& entry : std::filesystem::directory_iterator(folder, vanished)) {
      if (entry.is_directory(vanished) && !entry.is_symlink(vanished)) watch_below(entry.path());
    }
  }

  void add(const std::filesystem::path& folder) const {
    constexpr auto changes = IN_CREATE | IN_MODIFY | IN_MOVED_TO;
    if (::inotify_add_watch(inotify_, folder.c_str(), changes) < 0 && errno != ENOENT) {
      throw std::system_error(errno, std::generic_category(),
                              "inotify_add_watch " + folder.string());
    }
  }

  void forget_events() const {
    std::array<char, 4096> events;
    while (::read(inotify_, events.data(), events.size()) > 0) {
    }
  }

  std::filesystem::path folder_;
  int inotify_;
};

}  // namespace nsgate::lab
