// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/cell.h"

#include "lab/base/interrupt.h"
#include "lab/base/utc_time.h"
#include "lab/cells/guest_run.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

CellVerdict run_guests(const CellSetup& setup, const Cell& cell, const fs::path& folder,
                       const CellWatcher& watcher, CellResult& result) {
  std::vector<JudgedGuest> judged;
  std::optional<Failure> stopped;
  for (std::optional<std::size_t> next = 0; next;) {
    if (judged.size() == setup.guests) {
      stopped = Failure{ExitCode::infrastructure,
                        std::to_string(setup.guests) + " guests were spoilt; the rest was not run"};
      break;
    }
    auto run =
        run_guest(setup, cell, result.accelerator, *next, judged.size() + 1, folder, watcher);
    if (!run && judged.empty()) return nothing_ran(cell.tests, run.error());
    if (!run) {
      const auto code = run.error().code == ExitCode::interrupted ? ExitCode::interrupted
                                                                  : ExitCode::infrastructure;
      stopped = Failure{code, "no further guest: " + run.error().message};
      break;
    }
    result.guests.push_back(std::move(run->record));
    judged.push_back({.first = *next, .verdict = std::move(run->verdict)});
    const auto& behind = judged.back().verdict.resume_at;
    if (behind && interrupted()) {
      stopped = Failure{ExitCode::interrupted, "interrupted before the next guest"};
      break;
    }
    next = behind ? std::optional(*next + *behind) : std::nullopt;
  }
  return judge_cell(cell.tests, judged, stopped);
}

/// The requirements that neither the profile nor the userland meets.
Cell with_userland(Cell cell) {
  for (auto& [user, unmet] : cell.profile.unmet_by_user) {
    unmet.insert(cell.userland.unmet.begin(), cell.userland.unmet.end());
  }
  return cell;
}

}  // namespace

CellResult run_cell(const CellSetup& setup, const Cell& cell, Accelerator accelerator,
                    const fs::path& folder, const CellWatcher& watcher) {
  const auto start = std::chrono::steady_clock::now();
  CellResult result{.cell = with_userland(cell),
                    .verdict = {},
                    .started = utc_time("%FT%TZ"),
                    .time = {},
                    .accelerator = accelerator,
                    .guests = {}};
  result.verdict = cell.unavailable.empty()
                       ? run_guests(setup, result.cell, folder, watcher, result)
                       : all_skipped(cell.tests, "unavailable: " + cell.unavailable);
  result.time = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  return result;
}

}  // namespace nsgate::lab
