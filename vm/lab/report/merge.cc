// SPDX-License-Identifier: Apache-2.0
#include "lab/report/merge.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "lab/base/could_not_start.h"
#include "lab/base/utc_time.h"

namespace nsgate::lab {
namespace {

constexpr const char* all_tests = "*";

bool same_inputs(const CellResult& one, const CellResult& other) {
  return one.cell.spec == other.cell.spec &&
         one.cell.kernel.image_sha256 == other.cell.kernel.image_sha256 &&
         one.cell.tests == other.cell.tests;
}

bool same_result(const CellResult& one, const CellResult& other) {
  return to_json(one) == to_json(other);
}

std::string what(const CellResult& cell) {
  return fmt::format("{} of {}", to_string(cell.verdict.code), cell.started);
}

/// The filter is no part of a result: which tests it chose is. Nor is the environment of the tests.
bool is_of(const CellResult& cell, CellSpec spec) {
  spec.filter = cell.cell.spec.filter;
  spec.environment = cell.cell.spec.environment;
  return cell.cell.spec == spec;
}

class Merger {
 public:
  void add(const CellResult& cell) {
    const auto name = name_of(cell.cell.spec);
    const auto found = std::ranges::find_if(cells_, [&](const CellResult& other) {
      return name_of(other.cell.spec) == name &&
             (is_missing(cell) || is_missing(other) || same_inputs(cell, other));
    });
    if (found == cells_.end()) {
      const bool shared = std::ranges::any_of(
          cells_, [&](const CellResult& other) { return name_of(other.cell.spec) == name; });
      if (shared) {
        notes_.push_back(name +
                         ": two cells have this name, but not the same kernel or tests; "
                         "both count");
      }
      cells_.push_back(cell);
      return;
    }
    if (same_result(*found, cell)) {
      notes_.push_back(name + ": the same result was given twice and counts once");
      return;
    }
    const bool newer = comes_after(cell, *found);
    const auto& kept = newer ? cell : *found;
    const auto& left = newer ? *found : cell;
    notes_.push_back(
        fmt::format("{}: {} counts, not {}", name, what(kept),
                    is_missing(left) ? std::string("that it was missing") : what(left)));
    if (newer) *found = cell;
  }

  void expect(const std::vector<CellSpec>& specs) {
    std::vector<CellResult> ordered;
    for (const auto& spec : specs) {
      bool there = false;
      std::vector<CellResult> others;
      for (auto& cell : cells_) {
        const bool here = is_of(cell, spec);
        there = there || here;
        (here ? ordered : others).push_back(std::move(cell));
      }
      cells_ = std::move(others);
      if (!there) ordered.push_back(missing_cell(spec, "no result of this cell is there"));
    }
    for (auto& cell : cells_) {
      notes_.push_back(name_of(cell.cell.spec) + ": nobody asked for this cell; it counts");
      ordered.push_back(std::move(cell));
    }
    cells_ = std::move(ordered);
  }

  std::vector<CellResult>& cells() { return cells_; }
  std::vector<std::string>& notes() { return notes_; }

 private:
  static bool comes_after(const CellResult& cell, const CellResult& other) {
    if (is_missing(cell) != is_missing(other)) return is_missing(other);
    if (cell.started != other.started) return cell.started > other.started;
    return cell.verdict.code != other.verdict.code &&
           gravest({cell.verdict.code, other.verdict.code}) == cell.verdict.code;
  }

  std::vector<CellResult> cells_;
  std::vector<std::string> notes_;
};

std::time_t seconds_of(const std::string& time) {
  std::tm utc{};
  return ::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc) == nullptr ? 0 : ::timegm(&utc);
}

/// From the first beginning to the last end.
void set_times(RunResult& run) {
  std::chrono::milliseconds end{0};
  for (const auto& cell : run.cells) {
    if (is_missing(cell)) continue;
    if (run.started.empty() || cell.started < run.started) run.started = cell.started;
    end = std::max(end, std::chrono::seconds(seconds_of(cell.started)) + cell.time);
  }
  if (run.started.empty()) run.started = utc_time("%FT%TZ");
  run.time =
      std::max(end - std::chrono::seconds(seconds_of(run.started)), std::chrono::milliseconds(0));
}

}  // namespace

CellResult missing_cell(const CellSpec& spec, const std::string& reason, ExitCode code) {
  CellResult result;
  result.cell.spec = spec;
  result.cell.kernel.name = spec.kernel;
  result.cell.userland.name = spec.userland;
  result.cell.tests = {all_tests};
  result.verdict = nothing_ran(result.cell.tests, {code, reason});
  result.verdict.tests.front().reason = reason;
  result.started = utc_time("%FT%TZ");
  return result;
}

bool is_missing(const CellResult& cell) {
  return cell.cell.tests == std::vector<std::string>{all_tests};
}

Expected<MergedResults> merge(const std::vector<RunResult>& runs, const MergeOptions& options) {
  Merger merger;
  std::vector<ExitCode> codes;
  for (const auto& run : runs) {
    std::vector<ExitCode> own;
    for (const auto& cell : run.cells) {
      merger.add(cell);
      own.push_back(cell.verdict.code);
    }
    // A run without a cell has nothing else by which it could count.
    if (run.cells.empty() || run.code != gravest(own)) {
      codes.push_back(run.code);
      merger.notes().push_back(fmt::format("{}: this run is \"{}\", whatever its cells say",
                                           run.folder.string(), to_string(run.code)));
    }
  }
  if (!options.expected.empty()) merger.expect(options.expected);
  if (options.strict && !merger.notes().empty()) {
    return could_not_start(merger.notes().front() + " (not with --strict)");
  }
  MergedResults merged{.run = {}, .notes = std::move(merger.notes())};
  merged.run.cells = std::move(merger.cells());
  for (const auto& cell : merged.run.cells) codes.push_back(cell.verdict.code);
  merged.run.code = gravest(codes);
  set_times(merged.run);
  return merged;
}

}  // namespace nsgate::lab
