// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/cell.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <sstream>

#include "lab/base/could_not_start.h"
#include "lab/base/plain_text.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

/// The secret of one boot, which tells init's frames from those of a test.
Expected<std::string> make_nonce() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return could_not_start("getrandom gave no random bytes for the frames' nonce");
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string nonce;
  for (const auto byte : bytes) {
    nonce += digits[byte >> 4];
    nonce += digits[byte & 15];
  }
  return nonce;
}

std::string read_text(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return std::move(text).str();
}

/// A file that is gone when the cell is: the image holds the nonce and is the largest part.
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

Expected<CellVerdict> boot(const CellSetup& setup, const Judgement& judgement,
                           const fs::path& folder, const std::function<void(std::size_t)>& progress,
                           CellResult& result) {
  auto nonce = make_nonce();
  if (!nonce) return std::unexpected(nonce.error());
  const ScratchFile image{folder / "initramfs.cpio"};
  const auto& [kernel, user] = result.cell;
  if (auto built = build_image(setup.init, setup.payload,
                               {.nonce = *nonce,
                                .user = user,
                                .test_deadline = setup.deadlines.test,
                                .modules = paths_in_guest(kernel.modules),
                                .program = path_in_guest(setup.payload),
                                .tests = setup.tests},
                               image.path, kernel.modules);
      !built) {
    return std::unexpected(built.error());
  }
  std::ofstream frames(folder / "frames.log", std::ios::binary);
  if (!frames) return could_not_start("cannot write " + (folder / "frames.log").string());

  FrameReader reader({.nonce = *nonce,
                      .user = std::string(to_string(user)),
                      .release = kernel.release,
                      .tests = setup.tests});
  const auto console = folder / "console.log";
  const auto qemu_log = folder / "qemu.log";
  // What an earlier run left must not be taken for the words of this kernel.
  std::error_code ignored;
  fs::remove(console, ignored);
  fs::remove(qemu_log, ignored);
  result.qemu_command =
      qemu_command(setup.qemu, {.kernel = kernel.image, .initrd = image.path, .console = console});
  auto qemu = Process::start({.argv = result.qemu_command,
                              .extra_env = {},
                              .stderr_file = qemu_log,
                              .working_directory = {}});
  if (!qemu) return std::unexpected(qemu.error());
  auto end = watch_guest(*qemu, reader, setup.deadlines, frames, [&] {
    if (reader.hello()) progress(reader.ended().size());
  });

  const auto log = read_kernel_log(read_text(console));
  // A panic, like a kill by the lab, cuts the stream wherever it is: that is no second fault.
  if (log.panic.empty() && !end.ended_by_lab) reader.finish();
  return judge_cell({.tests = setup.tests,
                     .reader = reader,
                     .kernel = log,
                     .ended_by_lab = end.ended_by_lab,
                     .qemu_fault = with_last_words(end.qemu_fault, qemu_log)},
                    judgement);
}

}  // namespace

std::string cell_name(const std::string& kernel, frame::User user) {
  std::string name = kernel;
  std::ranges::replace_if(
      name,
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '_' && c != '-'; },
      '_');
  return name + '-' + std::string(to_string(user));
}

CellResult run_cell(const CellSetup& setup, const Cell& cell, const std::set<std::string>& unmet,
                    const fs::path& folder,
                    const std::function<void(std::size_t ended)>& progress) {
  const auto start = std::chrono::steady_clock::now();
  CellResult result{.cell = cell, .verdict = {}, .time = {}, .qemu_command = {}};
  const Judgement judgement{.unmet = unmet, .test_deadline = setup.deadlines.test};
  const auto verdict = boot(setup, judgement, folder, progress, result);
  result.verdict = verdict ? *verdict : nothing_ran(setup.tests, verdict.error());
  result.time = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  return result;
}

}  // namespace nsgate::lab
