// SPDX-License-Identifier: Apache-2.0
#include "guest/leaks.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <set>
#include <sstream>
#include <vector>

#include "guest/give_up.h"
#include "guest/proc.h"
#include "guest/text_file.h"

namespace nsgate::guest {
namespace {

using Clock = std::chrono::steady_clock;
using Lines = std::multiset<std::string>;

/// As many as one network namespace takes, and a few more.
constexpr unsigned row_of_a_test = 64;
constexpr unsigned row_of_a_guest = 1024;

ino_t own_uts_number(int& fd) {
  fd = ::openat(kept_proc(), "self/ns/uts", O_RDONLY | O_CLOEXEC);
  if (fd < 0) give_up("leak check: open /proc/self/ns/uts", errno);
  struct stat status {};
  if (::fstat(fd, &status) != 0) give_up("leak check: fstat /proc/self/ns/uts", errno);
  return status.st_ino;
}

/// Numbers of UTS namespaces that live at the same time, each the lowest that was free; init is
/// back in its own on return, and they are gone. Fewer than asked for where a test has lowered the
/// limit on them.
std::vector<ino_t> row_of_numbers(int own_uts, unsigned count) {
  std::vector<ino_t> numbers;
  std::vector<int> held;
  for (unsigned i = 0; i < count; ++i) {
    if (::unshare(CLONE_NEWUTS) != 0) {
      if (errno == ENOSPC) break;
      give_up("leak check: unshare CLONE_NEWUTS", errno);
    }
    int fd = -1;
    numbers.push_back(own_uts_number(fd));
    held.push_back(fd);
  }
  if (::setns(own_uts, CLONE_NEWUTS) != 0) give_up("leak check: setns CLONE_NEWUTS", errno);
  for (const int fd : held) ::close(fd);
  return numbers;
}

/// By default as many as half the threads that fit into memory, 1800 with 512 MiB
/// (user_namespaces(7), threads-max in Documentation/admin-guide/sysctl/kernel.rst).
void raise_limit(const char* knob, const std::string& value) {
  const int fd = ::openat(kept_proc(), knob, O_WRONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return;
  if (fd < 0 || ::write(fd, value.data(), value.size()) < 0) give_up(knob, errno);
  ::close(fd);
}

std::string interfaces() {
  // Two lines of headings, then "  lo: 0 0 …".
  std::istringstream lines(read_proc("self/net/dev"));
  std::string names;
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == line.npos) continue;
    const auto start = line.find_first_not_of(' ');
    names += line.substr(start, colon - start) + '\n';
  }
  return names;
}

std::string descriptors() {
  const int folder = ::openat(kept_proc(), "self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) give_up("leak check: open /proc/self/fd", errno);
  DIR* const entries = ::fdopendir(folder);
  if (entries == nullptr) give_up("leak check: fdopendir", errno);
  std::set<std::string> names;
  while (const dirent* const entry = ::readdir(entries)) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && name != std::to_string(folder)) names.insert(name);
  }
  ::closedir(entries);
  std::string text;
  for (const auto& name : names) text += name + '\n';
  return text;
}

Lines lines_of(const std::string& text) {
  std::istringstream stream(text);
  Lines lines;
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

/// "; mounts: <line>, gone: <line>" for what differs.
std::string difference(const char* what, const std::string& before, const std::string& now) {
  if (before == now) return {};
  const auto old_lines = lines_of(before);
  const auto new_lines = lines_of(now);
  std::string text;
  const auto tell = [&text](const char* how, const Lines& from, const Lines& but) {
    Lines only;
    std::ranges::set_difference(from, but, std::inserter(only, only.end()));
    for (const auto& line : only) text.append(text.empty() ? "" : ", ").append(how).append(line);
  };
  tell("", new_lines, old_lines);
  tell("no more ", old_lines, new_lines);
  return text.empty() ? std::string() : std::string("; ") + what + ": " + text;
}

/// Speeds the kernel's own clean-up while we wait for it, and only then, so that the tests meet the
/// kernel as it is. A kernel without the knob is waited for a little longer.
void expedite_rcu(bool on) {
  const int fd = ::open("/sys/kernel/rcu_expedited", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto written = ::write(fd, on ? "1" : "0", 1);
  ::close(fd);
}

}  // namespace

Leaks::Leaks() : mounts_(read_proc("self/mountinfo")), interfaces_(interfaces()) {
  lowest_ = 0;
  own_uts_number(own_uts_);
  descriptors_ = descriptors();
  // Two equal answers in a row: what init itself set going, such as a module's start, has settled.
  for (ino_t last = 0; lowest_ == 0 || lowest_ != last;) {
    last = lowest_;
    const auto row = row_of_numbers(own_uts_, 1);
    if (row.empty()) give_up("leak check: unshare CLONE_NEWUTS", ENOSPC);
    lowest_ = row.front();
  }
}

Leaks::~Leaks() { ::close(own_uts_); }

std::string Leaks::namespaces_left(unsigned row) const {
  const auto numbers = row_of_numbers(own_uts_, row);
  if (numbers.size() < row)
    return "; user.max_uts_namespaces: nobody can look for namespaces any more";
  for (unsigned i = 0; i < row; ++i) {
    if (numbers[i] != lowest_ + i) {
      return "; a namespace, or an entry of /proc, holds the inode number " +
             std::to_string(lowest_ + i);
    }
  }
  return {};
}

std::string Leaks::await(unsigned row, std::chrono::milliseconds patience) const {
  const auto until = Clock::now() + patience;
  std::string left = namespaces_left(row);
  if (!left.empty()) expedite_rcu(true);
  const bool waited = !left.empty();
  while (!left.empty() && Clock::now() < until) {
    constexpr timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&pause, nullptr);
    left = namespaces_left(1);
    if (left.empty()) left = namespaces_left(row);
  }
  if (waited) expedite_rcu(false);
  left += difference("mounts", mounts_, read_proc("self/mountinfo"));
  left += difference("interfaces", interfaces_, interfaces());
  left += difference("descriptors of init", descriptors_, descriptors());
  return left.empty() ? left : left.substr(2);
}

std::string Leaks::left_behind(std::chrono::milliseconds patience) const {
  return await(row_of_a_test, patience);
}

std::string Leaks::left_behind_at_the_end(std::chrono::milliseconds patience) const {
  // No test follows that could meet these limits. A kernel without the first has no limit.
  raise_limit("sys/user/max_uts_namespaces", std::to_string(2 * row_of_a_guest));
  // Each namespace of the row is held by a descriptor.
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) give_up("leak check: getrlimit", errno);
  descriptors.rlim_cur = descriptors.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &descriptors) != 0) give_up("leak check: setrlimit", errno);
  return await(row_of_a_guest, patience);
}

}  // namespace nsgate::guest
