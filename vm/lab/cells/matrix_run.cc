// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/matrix_run.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <set>

#include "lab/base/could_not_start.h"
#include "lab/base/parallel.h"
#include "lab/base/utc_time.h"
#include "lab/base/write_file.h"
#include "lab/cells/profile.h"
#include "lab/cells/progress.h"
#include "lab/cells/test_list.h"
#include "lab/report/result_folder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

using UnmetByUser = std::map<frame::User, std::set<std::string>>;

/// Root's cells first: they run more of the tests, and a long one that starts last is waited for
/// alone.
std::vector<std::size_t> starting_order(const std::vector<Cell>& cells) {
  std::vector<std::size_t> order;
  for (const bool root : {true, false}) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if ((cells[i].user == frame::User::root) == root) order.push_back(i);
    }
  }
  return order;
}

bool terminal_can_redraw() {
  const char* const term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb" &&
         spdlog::should_log(spdlog::level::info);
}

Expected<UnmetByUser> unmet_by_user(const fs::path& profiles,
                                    const std::vector<frame::User>& users) {
  UnmetByUser unmet;
  for (const auto user : users) {
    auto ids = unmet_requirements(profiles, default_profile, user);
    if (!ids) return std::unexpected(ids.error());
    unmet[user] = std::move(*ids);
  }
  return unmet;
}

Expected<std::vector<Kernel>> fetch_kernels(const std::vector<std::string>& names,
                                            const KernelStore::Options& options) {
  auto store = KernelStore::open(options, [](std::string_view text) { spdlog::info(text); });
  if (!store) return std::unexpected(store.error());
  return store->fetch(names.empty() ? store->default_names() : names);
}

/// A folder for each cell; two cells never share one.
Expected<std::vector<fs::path>> make_folders(const fs::path& output,
                                             const std::vector<Cell>& cells) {
  std::vector<fs::path> folders;
  std::set<std::string> taken;
  for (const auto& cell : cells) {
    const auto name = cell_name(cell.kernel.name, cell.user);
    if (!taken.insert(name).second) {
      return could_not_start("two cells would share the folder " + name +
                             ": name each kernel once");
    }
    if (auto made = prepare_folder(output / name); !made) return std::unexpected(made.error());
    folders.push_back(output / name);
  }
  if (auto made = prepare_folder(output); !made) return std::unexpected(made.error());
  return folders;
}

/// What could not be written down counts against the verdict.
void note_unwritten(CellVerdict& verdict, const Failure& failure) {
  verdict.reasons.push_back(failure.message);
  verdict.code = gravest({verdict.code, failure.code});
}

}  // namespace

Expected<RunResult> run_matrix(const RunRequest& request, const KernelStore::Options& store,
                               const GuestParts& parts) {
  const auto start = std::chrono::steady_clock::now();
  RunResult run;
  run.started = utc_time("%FT%TZ");
  run.folder = request.output;
  auto qemu = find_qemu();
  if (!qemu) return std::unexpected(qemu.error());
  auto tests = list_tests(request.payload.program, request.filter);
  if (!tests) return std::unexpected(tests.error());
  const auto unmet = unmet_by_user(parts.profiles, request.users);
  if (!unmet) return std::unexpected(unmet.error());
  const auto kernels = fetch_kernels(request.kernels, store);
  if (!kernels) return std::unexpected(kernels.error());

  const CellSetup setup{std::move(*qemu), parts.init, request.payload, std::move(*tests),
                        request.deadlines};
  std::vector<Cell> cells;
  std::vector<std::string> names;
  for (const auto& kernel : *kernels) {
    for (const auto user : request.users) {
      cells.push_back({kernel, user});
      names.push_back(kernel.name + ' ' + std::string(to_string(user)));
    }
  }
  const auto folders = make_folders(request.output, cells);
  if (!folders) return std::unexpected(folders.error());

  run.cells.resize(cells.size());
  Progress progress(names, setup.tests.size(), terminal_can_redraw());
  const auto order = starting_order(cells);
  in_parallel(cells.size(), request.jobs, [&](std::size_t turn) {
    const std::size_t i = order[turn];
    auto& result = run.cells[i];
    progress.booting(i);
    result = run_cell(setup, cells[i], unmet->at(cells[i].user), (*folders)[i],
                      [&progress, i](std::size_t ended) { progress.ended(i, ended); });
    if (const auto written = write_cell((*folders)[i], result, setup, request); !written) {
      note_unwritten(result.verdict, written.error());
    }
    progress.done(i, result);
  });

  std::vector<ExitCode> codes;
  for (const auto& cell : run.cells) codes.push_back(cell.verdict.code);
  run.code = gravest(codes);
  run.time = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  if (const auto written = write_file(request.output / "results.json", dump(to_json(run)));
      !written) {
    spdlog::error(written.error().message);
    run.code = gravest({run.code, ExitCode::infrastructure});
  }
  return run;
}

}  // namespace nsgate::lab
