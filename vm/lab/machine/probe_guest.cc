// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/probe_guest.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>

#include "lab/base/plain_text.h"
#include "lab/base/process.h"
#include "lab/base/temporary_folder.h"
#include "lab/image/image.h"
#include "lab/machine/frame_reader.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// No secret: nothing runs in this guest that could forge a frame.
constexpr const char* nonce = "00112233445566778899aabbccddeeff";

/// From SIGKILL to giving QEMU up.
constexpr auto death = std::chrono::seconds(1);

std::string last_line(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto lines = non_empty_lines(text);
  return lines.empty() ? std::string() : plain_text(lines.back());
}

/// False once the stream has ended.
bool read_some(int fd, FrameReader& reader) {
  std::array<char, 4096> buffer{};
  const auto n = ::read(fd, buffer.data(), buffer.size());
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  reader.feed({buffer.data(), static_cast<std::size_t>(n)});
  return n > 0;
}

/// Whether QEMU has ended by then; what it sent until then is read.
bool follow(const Process& qemu, FrameReader& reader, Clock::time_point until) {
  std::array<pollfd, 2> events{{{qemu.stdout_fd(), POLLIN, 0}, {qemu.pidfd(), POLLIN, 0}}};
  while (!reader.error() && Clock::now() < until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (::poll(events.data(), events.size(), static_cast<int>(left)) < 0) continue;
    const bool ended = events[1].revents != 0;
    if (events[0].revents != 0 && !read_some(events[0].fd, reader)) events[0].fd = -1;
    if (ended && events[0].fd < 0) return true;
  }
  return false;
}

void end(Process& qemu) {
  qemu.kill();
  pollfd event{qemu.pidfd(), POLLIN, 0};
  const auto until = Clock::now() + death;
  int ready;
  do {
    ready = ::poll(&event, 1, static_cast<int>(std::chrono::milliseconds(death).count()));
  } while (ready < 0 && Clock::now() < until);
  if (ready <= 0) qemu.abandon();
}

std::string how_it_ended(int wait_status) {
  return WIFEXITED(wait_status)
             ? "QEMU exited with " + std::to_string(WEXITSTATUS(wait_status))
             : "QEMU was killed by signal " + std::to_string(WTERMSIG(wait_status));
}

StageFault judge(int wait_status, const FrameReader& reader, const fs::path& folder) {
  if (wait_status == 0 && reader.complete()) return std::nullopt;
  std::string fault = "kvm opens, but ";
  fault += wait_status != 0 ? how_it_ended(wait_status) : "a guest ended before it was done";
  auto words = last_line(folder / "qemu.log");
  if (words.empty()) words = last_line(folder / "console.log");
  return words.empty() ? fault : fault + ": " + words;
}

}  // namespace

Expected<StageFault> boot_probe_guest(const ProbeGuest& guest, std::chrono::milliseconds limit) {
  const auto folder = TemporaryFolder::make("nsgate-probe");
  if (!folder) return std::unexpected(folder.error());
  const auto initrd = folder->path() / "initramfs.cpio";
  // A plan names a program, which a plan without tests never starts.
  const frame::Plan plan{.nonce = nonce, .program = "/init", .tests = {}};
  if (auto built = ImageBuilder().build({.init = guest.init, .payload = {}}, plan, initrd);
      !built) {
    return std::unexpected(built.error());
  }
  auto qemu =
      Process::start({.argv = qemu_command(guest.qemu, {.kernel = guest.kernel,
                                                        .initrd = initrd,
                                                        .console = folder->path() / "console.log",
                                                        .accelerator = guest.accelerator}),
                      .stderr_file = folder->path() / "qemu.log"});
  if (!qemu) return std::unexpected(qemu.error());
  FrameReader reader({.nonce = nonce, .user = "root", .release = {}, .tests = {}});
  if (follow(*qemu, reader, Clock::now() + limit)) {
    return judge(qemu->wait(), reader, folder->path());
  }
  end(*qemu);
  if (reader.error()) return "kvm opens, but a guest's frames broke: " + *reader.error();
  if (!reader.hello()) return no_progress(limit);
  return "kvm opens, but a guest that had booted did not end within " + in_seconds(limit);
}

}  // namespace nsgate::lab
