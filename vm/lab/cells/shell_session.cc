// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/shell_session.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "lab/base/could_not_start.h"
#include "lab/base/interrupt.h"
#include "lab/base/plain_text.h"
#include "lab/base/terminal_mode.h"
#include "lab/cells/guest_parts.h"
#include "lab/verdict/splat.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// As execvp(3) looks; empty when there is none.
fs::path in_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto file = fs::path(folder) / program;
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

frame::Terminal terminal_of_caller() {
  frame::Terminal terminal;
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    terminal.rows = size.ws_row;
    terminal.columns = size.ws_col;
  }
  const char* const type = std::getenv("TERM");
  // It becomes a line of the plan.
  const auto is_plain = [](unsigned char c) { return std::isgraph(c) != 0; };
  if (type != nullptr && *type != '\0' && std::ranges::all_of(std::string_view(type), is_plain)) {
    terminal.type = type;
  }
  return terminal;
}

std::unexpected<Failure> infrastructure(std::string message) {
  return std::unexpected(Failure{ExitCode::infrastructure, std::move(message)});
}

struct ScratchFile {
  fs::path path;
  ~ScratchFile() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

/// Until QEMU ends; false when a signal asked this program to.
bool await(const Process& qemu) {
  std::array<pollfd, 2> events{{{qemu.pidfd(), POLLIN, 0}, {interrupt_fd(), POLLIN, 0}}};
  while (events[0].revents == 0 && events[1].revents == 0) {
    ::poll(events.data(), events.size(), -1);
  }
  return events[0].revents != 0;
}

}  // namespace

Expected<std::string> shell_of(Cell& cell) {
  if (!cell.userland.archive.empty()) return "/bin/sh";
  const auto busybox = in_path("busybox");
  if (busybox.empty()) {
    return could_not_start(
        "without a userland the guest has no shell: take one, as in --userland bookworm, or "
        "install busybox-static");
  }
  cell.payload.carried.push_back(busybox);
  return "/payload/" + busybox.filename().string() + " sh";
}

Expected<void> judge_session(int wait_status, FrameReader& frames, std::string_view console) {
  const auto log = read_kernel_log(console);
  if (!log.panic.empty()) return std::unexpected(Failure{ExitCode::fail, log.panic});
  if (frames.unavailable()) {
    return std::unexpected(
        Failure{ExitCode::all_skipped, "the kernel cannot be this cell: " + *frames.unavailable()});
  }
  if (wait_status != 0) {
    return infrastructure(WIFEXITED(wait_status)
                              ? "QEMU exited with " + std::to_string(WEXITSTATUS(wait_status))
                              : "QEMU was killed by signal " +
                                    std::to_string(WTERMSIG(wait_status)));
  }
  if (frames.error()) return infrastructure("the guest's frames broke: " + *frames.error());
  if (!frames.hello()) {
    const auto lines = non_empty_lines(console);
    return infrastructure("the guest ended before its shell began" +
                          (lines.empty() ? "" : ": " + plain_text(lines.back())));
  }
  return {};
}

Expected<void> run_shell_session(const CellSetup& setup, const Cell& cell, const std::string& shell,
                                 Accelerator accelerator, const fs::path& folder) {
  const auto nonce = make_nonce();
  if (!nonce) return std::unexpected(nonce.error());
  auto plan = plan_of(setup, cell, *nonce, {});
  plan.shell = shell;
  plan.terminal = terminal_of_caller();
  const ScratchFile image{folder / "initramfs.cpio"};
  if (auto built = setup.images->build(image_parts(setup, cell), plan, image.path); !built) {
    return built;
  }
  auto machine = machine_of(setup, cell, accelerator, image.path, folder / "console.log");
  machine.frames = folder / "frames.log";
  std::error_code ignored;
  for (const auto& log : {machine.console, machine.frames}) fs::remove(log, ignored);

  int status = 0;
  {
    const TerminalMode input(STDIN_FILENO);
    const TerminalMode output(STDOUT_FILENO);
    auto qemu = Process::start({.argv = qemu_command(setup.qemu, machine),
                                .stderr_file = folder / "qemu.log",
                                .on_terminal = true});
    if (!qemu) return std::unexpected(qemu.error());
    const bool ended = await(*qemu);
    if (!ended) qemu->kill();
    status = qemu->wait();
    if (!ended) return std::unexpected(Failure{ExitCode::interrupted, "interrupted"});
  }
  FrameReader frames({.nonce = *nonce,
                      .user = std::string(to_string(cell.spec.user)),
                      .release = cell.kernel.release,
                      .tests = {}});
  frames.feed(read_text(machine.frames));
  auto good = judge_session(status, frames, read_text(machine.console));
  if (!good) {
    const auto words = read_text(folder / "qemu.log");
    const auto lines = non_empty_lines(words);
    if (!lines.empty()) good.error().message += "; QEMU said: " + plain_text(lines.back());
  }
  return good;
}

}  // namespace nsgate::lab
