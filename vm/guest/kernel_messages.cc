// SPDX-License-Identifier: Apache-2.0
#include "guest/kernel_messages.h"

#include <fcntl.h>
#include <sys/klog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "frame/splat_start.h"
#include "guest/give_up.h"
#include "guest/proc.h"

namespace nsgate::guest {
namespace {

constexpr std::size_t max_text = 8 * 1024;

/// "4,1234,56789,-;text\n KEY=value\n": priority, sequence, time, flags
/// (Documentation/ABI/testing/dev-kmsg).
struct Record {
  unsigned priority = 0;
  std::string_view text;
};

Record parse(std::string_view bytes) {
  Record record;
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), record.priority);
  const auto semicolon = bytes.find(';');
  if (semicolon == bytes.npos) return record;
  record.text = bytes.substr(semicolon + 1);
  record.text = record.text.substr(0, record.text.find('\n'));
  return record;
}

bool is_warning_of_the_kernel(const Record& record) {
  const unsigned facility = record.priority >> 3;
  const unsigned level = record.priority & 7;
  return facility == 0 && level <= 4;
}

}  // namespace

KernelMessages::KernelMessages() : fd_(::open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
  if (fd_ < 0) give_up("open /dev/kmsg", errno);
  if (::lseek(fd_, 0, SEEK_END) < 0) give_up("lseek /dev/kmsg", errno);
}

KernelMessages::~KernelMessages() { ::close(fd_); }

void KernelMessages::mark(std::string_view what, std::string_view test) const {
  const auto line = std::string("<5>").append(what).append(test);
  if (::write(fd_, line.data(), line.size()) < 0) give_up("write to /dev/kmsg", errno);
}

KernelWarnings KernelMessages::take() {
  KernelWarnings warnings;
  std::array<char, 8192> buffer{};
  while (true) {
    const auto size = ::read(fd_, buffer.data(), buffer.size());
    if (size < 0 && errno == EAGAIN) return warnings;
    if (size < 0 && errno == EPIPE) {
      ++warnings.lost;
      continue;
    }
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) give_up("read of /dev/kmsg", errno);
    const auto record = parse({buffer.data(), static_cast<std::size_t>(size)});
    if (!is_warning_of_the_kernel(record)) continue;
    const bool splat = record.text == frame::cut_here || frame::starts_splat(record.text) ||
                       record.text.starts_with(frame::panic_start);
    warnings.splat = warnings.splat || splat;
    // Warnings that are no splat must not take the place of one: the lab judges by this text.
    const auto room = splat ? 2 * max_text : max_text;
    if (warnings.text.size() + record.text.size() < room) {
      warnings.text.append(record.text).append("\n");
    }
  }
}

void KernelMessages::restore_console() const {
  // SYSLOG_ACTION_CONSOLE_LEVEL (syslog(2)). A failure leaves the console as the test made it.
  constexpr int set_level = 8;
  constexpr int level = 7;
  [[maybe_unused]] const auto done = ::klogctl(set_level, nullptr, level);
}

std::uint64_t taint() {
  const std::string text = read_proc("sys/kernel/tainted");
  std::uint64_t bits = 0;
  std::from_chars(text.data(), text.data() + text.size(), bits);
  return bits;
}

}  // namespace nsgate::guest
