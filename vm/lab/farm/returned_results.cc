// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/returned_results.h"

#include <fstream>

#include "lab/base/plain_text.h"
#include "lab/base/process.h"
#include "lab/farm/remote_job.h"
#include "lab/report/read_results.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

std::unexpected<Failure> unusable(const fs::path& thing, const std::string& what) {
  return std::unexpected(Failure{ExitCode::infrastructure, thing.string() + ": " + what});
}

/// Removes the folder in the end, whatever becomes of it.
struct Incoming {
  fs::path path;
  ~Incoming() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

Expected<void> unpack(const fs::path& archive, const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) fs::create_directories(folder, error);
  if (error) return unusable(folder, error.message());
  // GNU tar takes neither absolute paths nor those with ".." (tar(1), -P).
  const auto done = run({.argv = {"tar", "-xzf", fs::absolute(archive).string(), "-C",
                                  folder.string(), "--no-same-owner", "--no-same-permissions"},
                         .extra_env = {},
                         .stderr_file = {},
                         .working_directory = {}});
  if (!done) return std::unexpected(done.error());
  if (!done->ok()) {
    const auto lines = non_empty_lines(done->err);
    return unusable(archive,
                    "what came back is not whole: " +
                        (lines.empty() ? std::string("tar failed") : plain_text(lines.front())));
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    const auto type = entry.symlink_status(error).type();
    if (error || (type != fs::file_type::regular && type != fs::file_type::directory)) {
      return unusable(archive, "holds what is neither file nor folder: " +
                                   plain_text(entry.path().filename().string()));
    }
  }
  if (error) return unusable(folder, error.message());
  return {};
}

}  // namespace

Expected<CellResult> taken_results(const CellSpec& spec, const fs::path& folder) {
  auto run = read_results(folder / "results.json");
  if (!run) return std::unexpected(run.error());
  auto& cell = run->cells.empty() ? run->cells.emplace_back() : run->cells.front();
  auto asked = spec;
  asked.filter.clear();
  asked.environment.clear();
  if (run->cells.size() != 1 || cell.cell.spec != asked) {
    return unusable(folder / "results.json", "is the result of another cell");
  }
  if (!is_verdict(static_cast<int>(cell.verdict.code))) {
    return unusable(folder / "results.json",
                    "is no verdict, but \"" + std::string(to_string(cell.verdict.code)) + '"');
  }
  cell.cell.spec.filter = spec.filter;
  cell.cell.spec.environment = spec.environment;
  return std::move(cell);
}

Expected<CellResult> take_results(const fs::path& archive, const CellSpec& spec,
                                  const fs::path& folder) {
  const Incoming incoming{folder.parent_path() / (".incoming-" + name_of(spec))};
  if (auto done = unpack(archive, incoming.path); !done) return std::unexpected(done.error());
  int code = -1;
  std::ifstream(incoming.path / "code") >> code;
  const auto from = incoming.path / "results" / name_of(spec);
  auto cell = taken_results(spec, from);
  if (!cell) return cell;
  if (code != static_cast<int>(cell->verdict.code)) {
    return unusable(archive, "the run ended with " + std::to_string(code) +
                                 ", but its result says " +
                                 std::string(to_string(cell->verdict.code)));
  }
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) fs::rename(from, folder, error);
  if (error) return unusable(folder, error.message());
  return cell;
}

}  // namespace nsgate::lab
