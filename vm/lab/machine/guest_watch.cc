// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/guest_watch.h"

#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ostream>

#include "lab/base/interrupt.h"

namespace nsgate::lab {
namespace {

using Clock = std::chrono::steady_clock;

std::string seconds(std::chrono::seconds time) { return std::to_string(time.count()) + " s"; }

/// The next deadline to pass, and what it means when it does.
class Watchdog {
 public:
  explicit Watchdog(const Deadlines& deadlines) : deadlines_(deadlines) {}

  void note(std::uint64_t frames) {
    if (frames != frames_) last_frame_ = Clock::now();
    frames_ = frames;
  }

  Clock::time_point due(const FrameReader& reader) const {
    const auto silence = reader.hello() ? last_frame_ + slowed(deadlines_.silence, reader)
                                        : start_ + deadlines_.boot;
    return std::min(silence, start_ + slowed(deadlines_.cell, reader));
  }

  Failure explain(const FrameReader& reader) const {
    if (Clock::now() >= start_ + slowed(deadlines_.cell, reader)) {
      return {ExitCode::deadline, "the cell did not end within " + told(deadlines_.cell, reader)};
    }
    if (!reader.hello()) {
      return {ExitCode::infrastructure, "did not boot within " + seconds(deadlines_.boot)};
    }
    const std::string when = reader.running() != nullptr ? "during " + *reader.running()
                             : reader.complete()         ? "after its last test"
                                                         : "between two tests";
    return {ExitCode::deadline,
            "the guest hung " + when + ": no frame for " + told(deadlines_.silence, reader)};
  }

 private:
  static Clock::duration slowed(std::chrono::seconds limit, const FrameReader& reader) {
    return Clock::duration(limit) * (reader.hello() ? reader.hello()->slow : 1000) / 1000;
  }

  static std::string told(std::chrono::seconds limit, const FrameReader& reader) {
    const auto slow = reader.hello() ? reader.hello()->slow : 1000;
    if (slow == 1000) return seconds(limit);
    return fmt::format("{}, stretched {}.{} times for a slow guest", seconds(limit), slow / 1000,
                       slow % 1000 / 100);
  }

  const Deadlines& deadlines_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_frame_ = start_;
  std::uint64_t frames_ = 0;
};

/// Takes some of what is there. False once the stream has ended.
bool read_some(int fd, FrameReader& reader, std::ostream& log) {
  std::array<char, 65536> buffer{};
  const auto n = ::read(fd, buffer.data(), buffer.size());
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
  log << bytes << std::flush;
  reader.feed(bytes);
  return n > 0;
}

/// Until QEMU has ended and its stream is read to the end; the failure says why it was not awaited.
std::optional<Failure> follow(Process& qemu, FrameReader& reader, const Deadlines& deadlines,
                              std::ostream& log, const std::function<void()>& progress) {
  Watchdog watchdog(deadlines);
  std::array<pollfd, 3> events{
      {{qemu.stdout_fd(), POLLIN, 0}, {qemu.pidfd(), POLLIN, 0}, {interrupt_fd(), POLLIN, 0}}};
  // What follows a wrong frame is of no use, and a guest may send it without end.
  while (!reader.error()) {
    const auto left = watchdog.due(reader) - Clock::now();
    if (left <= Clock::duration::zero()) return watchdog.explain(reader);
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    if (::poll(events.data(), events.size(), static_cast<int>(timeout)) < 0) continue;
    if (events[2].revents != 0) return Failure{ExitCode::interrupted, "interrupted"};
    if (events[0].revents != 0 && !read_some(events[0].fd, reader, log)) events[0].fd = -1;
    watchdog.note(reader.frames());
    progress();
    if (events[0].fd < 0 && events[1].revents != 0) break;
  }
  return std::nullopt;
}

std::optional<std::string> fault(int wait_status) {
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return std::nullopt;
  return WIFEXITED(wait_status)
             ? "QEMU exited with " + std::to_string(WEXITSTATUS(wait_status))
             : "QEMU was killed by signal " + std::to_string(WTERMSIG(wait_status));
}

}  // namespace

GuestEnd watch_guest(Process& qemu, FrameReader& reader, const Deadlines& deadlines,
                     std::ostream& log, const std::function<void()>& progress) {
  GuestEnd end{follow(qemu, reader, deadlines, log, progress), std::nullopt};
  const bool by_itself = !end.ended_by_lab && !reader.error();
  if (!by_itself) qemu.kill();
  const int status = qemu.wait();
  if (by_itself) end.qemu_fault = fault(status);
  return end;
}

}  // namespace nsgate::lab
