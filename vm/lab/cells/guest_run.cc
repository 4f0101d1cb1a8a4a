// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/guest_run.h"

#include <fstream>
#include <sstream>

#include "lab/base/could_not_start.h"
#include "lab/base/plain_text.h"
#include "lab/cells/guest_parts.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return std::move(text).str();
}

/// A file that is gone when the guest is: the image holds the nonce and is the largest part.
struct ScratchFile {
  fs::path path;
  ~ScratchFile() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

std::optional<std::string> with_last_words(std::optional<std::string> fault, const fs::path& log) {
  const auto text = read_text(log);
  const auto lines = non_empty_lines(text);
  if (fault && !lines.empty()) *fault += ": " + plain_text(lines.back());
  return fault;
}

struct Logs {
  fs::path console, frames, qemu;
};

/// What an earlier run left must not be taken for the words of this kernel.
Logs fresh_logs(const fs::path& folder, std::size_t number) {
  const auto suffix = number == 1 ? ".log" : "-" + std::to_string(number) + ".log";
  Logs logs{folder / ("console" + suffix), folder / ("frames" + suffix),
            folder / ("qemu" + suffix)};
  std::error_code ignored;
  for (const auto& log : {logs.console, logs.frames, logs.qemu}) fs::remove(log, ignored);
  return logs;
}

/// Calls `booted` once, at the latest when the guest is gone.
class BootedOnce {
 public:
  explicit BootedOnce(const CellWatcher& watcher) : watcher_(watcher) { watcher.booting(); }
  BootedOnce(const BootedOnce&) = delete;
  ~BootedOnce() { now(); }
  void now() {
    if (!told_) watcher_.booted();
    told_ = true;
  }

 private:
  const CellWatcher& watcher_;
  bool told_ = false;
};

}  // namespace

Expected<GuestRun> run_guest(const CellSetup& setup, const Cell& cell, Accelerator accelerator,
                             std::size_t first, std::size_t number, const fs::path& folder,
                             const CellWatcher& watcher) {
  const std::vector<std::string> tests(cell.tests.begin() + static_cast<std::ptrdiff_t>(first),
                                       cell.tests.end());
  auto nonce = make_nonce();
  if (!nonce) return std::unexpected(nonce.error());
  const ScratchFile image{folder / "initramfs.cpio"};
  if (auto built = setup.images->build(image_parts(setup, cell),
                                       plan_of(setup, cell, *nonce, tests), image.path);
      !built) {
    return std::unexpected(built.error());
  }
  const auto logs = fresh_logs(folder, number);
  std::ofstream frames(logs.frames, std::ios::binary);
  if (!frames) return could_not_start("cannot write " + logs.frames.string());

  FrameReader reader({.nonce = *nonce,
                      .user = std::string(to_string(cell.spec.user)),
                      .release = cell.kernel.release,
                      .tests = tests});
  GuestRun run{
      .record = {.qemu_command = qemu_command(
                     setup.qemu, machine_of(setup, cell, accelerator, image.path, logs.console)),
                 .nonce = *nonce,
                 .first_test = first,
                 .slow = 0,
                 .retired = {}},
      .verdict = {}};
  BootedOnce booted(watcher);
  auto qemu = Process::start({.argv = run.record.qemu_command,
                              .extra_env = {},
                              .stderr_file = logs.qemu,
                              .working_directory = {}});
  if (!qemu) return std::unexpected(qemu.error());
  auto deadlines = setup.deadlines;
  deadlines.cell += deadlines.each_test * static_cast<long>(tests.size());
  auto end = watch_guest(*qemu, reader, deadlines, frames, [&] {
    if (!reader.hello()) return;
    booted.now();
    watcher.ended(first + reader.ended().size());
  });

  const auto log = read_kernel_log(read_text(logs.console));
  // A panic, like a kill by the lab, cuts the stream wherever it is: that is no second fault.
  if (log.panic.empty() && !end.ended_by_lab) reader.finish();
  frames.close();
  if (!frames && !end.ended_by_lab) {
    end.ended_by_lab = Failure{ExitCode::infrastructure,
                               "cannot write " + logs.frames.string() + ": is the disk full?"};
  }
  const auto allow = [&](const Splat& splat) {
    return setup.allow.why_allowed(splat, cell.kernel.release, setup.today);
  };
  if (reader.hello()) run.record.slow = reader.hello()->slow;
  run.record.retired = reader.retired();
  run.verdict = judge_guest({.tests = tests,
                             .reader = reader,
                             .kernel = log,
                             .ended_by_lab = end.ended_by_lab,
                             .qemu_fault = with_last_words(end.qemu_fault, logs.qemu)},
                            {.unmet = cell.profile.unmet(cell.spec.user),
                             .test_deadline = setup.deadlines.test,
                             .allow = allow});
  return run;
}

}  // namespace nsgate::lab
