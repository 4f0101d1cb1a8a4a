// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/matrix_run.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "lab/base/could_not_start.h"
#include "lab/base/interrupt.h"
#include "lab/base/user_folders.h"
#include "lab/base/utc_time.h"
#include "lab/base/write_file.h"
#include "lab/cells/durations.h"
#include "lab/cells/prepare.h"
#include "lab/cells/progress.h"
#include "lab/cells/schedule.h"
#include "lab/machine/accelerator_for_run.h"
#include "lab/report/result_folder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

bool terminal_can_redraw() {
  const char* const term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb" &&
         spdlog::should_log(spdlog::level::info);
}

/// What could not be written down counts against the verdict.
void note_unwritten(CellVerdict& verdict, const Failure& failure) {
  verdict.reasons.push_back(failure.message);
  verdict.code = gravest({verdict.code, failure.code});
}

/// A cell that never ran before is expected to take as long as its tests are many.
std::vector<Job> jobs_of(const std::vector<Cell>& cells, const Durations& durations) {
  constexpr double seconds_of_a_test = 0.1;
  constexpr unsigned memory_of_qemu_mib = 384;
  std::vector<Job> jobs;
  for (const auto& cell : cells) {
    const auto guess = seconds_of_a_test * static_cast<double>(cell.tests.size()) *
                       (cell.spec.user == frame::User::root ? 1.2 : 1.0);
    jobs.push_back({.seconds = durations.seconds_of(name_of(cell.spec)).value_or(guess),
                    .memory_mib = memory_mib(cell.userland) + memory_of_qemu_mib});
  }
  return jobs;
}

void tell(const AcceleratorVerdict& verdict) {
  spdlog::info(line_of(verdict));
  if (!verdict.note.empty()) spdlog::warn(verdict.note);
}

/// Under KVM, a cell whose guest broke is run again: see AcceleratorForRun.
CellResult run_under(AcceleratorForRun& accelerators, const CellSetup& setup, const Cell& cell,
                     const fs::path& folder, const CellWatcher& watcher) {
  CellResult result;
  for (auto use = std::optional(accelerators.accelerator()); use;) {
    result = run_cell(setup, cell, *use, folder, watcher);
    const auto what =
        result.verdict.reasons.empty() ? std::string("no results") : result.verdict.reasons.front();
    use = may_be_the_accelerator(result.verdict)
              ? accelerators.note_infrastructure_fault(name_of(cell.spec), *use, what)
              : std::nullopt;
  }
  result.accelerator_reason = accelerators.verdict().reason;
  return result;
}

CellResult not_run(const Cell& cell) {
  return {
      .cell = cell,
      .verdict = nothing_ran(cell.tests, {ExitCode::interrupted, "interrupted before it began"}),
      .started = utc_time("%FT%TZ"),
      .time = {},
      .guests = {}};
}

Expected<CellSetup> make_setup(const RunRequest& request, const LabFiles& files,
                               ImageBuilder& images) {
  auto qemu = find_qemu();
  if (!qemu) return std::unexpected(qemu.error());
  auto allow = AllowList::load(files.data / "splats.toml");
  if (!allow) return std::unexpected(allow.error());
  return CellSetup{.qemu = std::move(*qemu),
                   .init = files.init,
                   .deadlines = request.deadlines,
                   .allow = std::move(*allow),
                   .today = utc_time("%F"),
                   .guests = request.guests,
                   .images = &images,
                   .gdb_port = request.gdb_port};
}

Expected<std::vector<fs::path>> make_folders(const fs::path& output,
                                             const std::vector<Cell>& cells) {
  std::vector<fs::path> folders;
  std::set<std::string> taken;
  for (const auto& cell : cells) {
    const auto name = name_of(cell.spec);
    if (!taken.insert(name).second) {
      return could_not_start("two cells would share the folder " + name + ": name each once");
    }
    if (auto made = prepare_folder(output / name); !made) return std::unexpected(made.error());
    folders.push_back(output / name);
  }
  if (auto made = prepare_folder(output); !made) return std::unexpected(made.error());
  return folders;
}

}  // namespace

Expected<AcceleratorVerdict> accelerator_for(const RunRequest& request, const CellSetup& setup,
                                             const Cell& first) {
  const auto verdict = choose_accelerator(
      request.accelerator,
      probe_of_host(setup.qemu, first.kernel.image, first.kernel.image_sha256, setup.init));
  if (verdict) tell(*verdict);
  return verdict;
}

Expected<PreparedRun> prepare_run(const RunRequest& request, const Stores& stores,
                                  const LabFiles& files, const CellsCheck& check,
                                  ImageBuilder& images) {
  auto setup = make_setup(request, files, images);
  if (!setup) return std::unexpected(setup.error());
  auto cells = prepare_cells(request, stores, files);
  if (!cells) return std::unexpected(cells.error());
  if (check) {
    if (auto good = check(*setup, *cells); !good) return std::unexpected(std::move(good.error()));
  }
  auto folders = make_folders(request.output, *cells);
  if (!folders) return std::unexpected(folders.error());
  return PreparedRun{std::move(*setup), std::move(*cells), std::move(*folders)};
}

Expected<RunResult> run_matrix(const RunRequest& request, const Stores& stores,
                               const LabFiles& files, const CellsCheck& check) {
  const auto start = std::chrono::steady_clock::now();
  RunResult run;
  run.started = utc_time("%FT%TZ");
  run.folder = request.output;
  ImageBuilder images;
  const auto prepared = prepare_run(request, stores, files, check, images);
  if (!prepared) return std::unexpected(prepared.error());
  const auto& [setup, cells, folders] = *prepared;

  const auto& first = cells.front().kernel;
  const auto probe = probe_of_host(setup.qemu, first.image, first.image_sha256, files.init);
  auto verdict = choose_accelerator(request.accelerator, probe);
  if (!verdict) return std::unexpected(verdict.error());
  tell(*verdict);
  AcceleratorForRun accelerators(
      request.accelerator, *verdict,
      [&probe](const std::string& reason) { return remember_demotion(probe, reason); });

  auto limits = limits_of_this_machine();
  if (request.jobs > 0) limits.jobs = request.jobs;
  auto durations = Durations::load(state_folder() / "durations.json");
  run.cells.resize(cells.size());
  Progress progress(cells, terminal_can_redraw());
  run_jobs(jobs_of(cells, durations), limits, [&](std::size_t i, const auto& booted) {
    auto& result = run.cells[i];
    if (interrupted()) {
      result = not_run(cells[i]);
    } else {
      result = run_under(accelerators, setup, cells[i], folders[i],
                         {.booting = [&] { progress.booting(i); },
                          .booted = booted,
                          .ended = [&](std::size_t ended) { progress.ended(i, ended); }});
    }
    if (const auto written = write_cell(folders[i], result, setup, request); !written) {
      note_unwritten(result.verdict, written.error());
    }
    progress.done(i, result);
  });

  std::vector<ExitCode> codes;
  for (const auto& cell : run.cells) {
    codes.push_back(cell.verdict.code);
    if (cell.verdict.code == ExitCode::pass) {
      durations.note(name_of(cell.cell.spec), std::chrono::duration<double>(cell.time).count());
    }
  }
  durations.save();
  run.code = gravest(codes);
  run.time = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  if (const auto written = write_run(run); !written) {
    spdlog::error(written.error().message);
    run.code = gravest({run.code, ExitCode::infrastructure});
  }
  return run;
}

}  // namespace nsgate::lab
