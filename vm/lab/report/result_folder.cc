// SPDX-License-Identifier: Apache-2.0
#include "lab/report/result_folder.h"

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"
#include "lab/base/write_file.h"
#include "lab/report/junit.h"
#include "lab/report/ktap.h"
#include "lab/report/results.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// For a file of the payload; one that has vanished since has no hash.
ordered_json identified(const fs::path& file) {
  const auto sha256 = sha256_of(file);
  return {{"path", file.string()}, {"sha256", sha256 ? ordered_json(*sha256) : ordered_json()}};
}

ordered_json identified(const std::vector<fs::path>& files) {
  auto list = ordered_json::array();
  for (const auto& file : files) list.push_back(identified(file));
  return list;
}

/// The three forms of the same results.
template <typename Result>
Expected<void> write_results(const fs::path& folder, const Result& result) {
  auto written = write_file(folder / "results.json", dump(to_json(result)));
  if (written) written = write_file(folder / "results.ktap", ktap(result));
  if (written) written = write_file(folder / "junit.xml", junit(result));
  if (!written) return std::unexpected(Failure{ExitCode::infrastructure, written.error().message});
  return {};
}

}  // namespace

ordered_json manifest_of(const CellResult& result, const CellSetup& setup,
                         const RunRequest& request) {
  const auto& cell = result.cell;
  const auto& kernel = cell.kernel;
  auto guests = ordered_json::array();
  for (const auto& guest : result.guests) {
    guests.push_back(
        {{"qemu", guest.qemu_command}, {"nonce", guest.nonce}, {"first_test", guest.first_test}});
  }
  auto settings = ordered_json::array();
  for (const auto& [kind, value] : cell.profile.settings) settings.push_back(kind + ' ' + value);
  return {{"schema_version", 1},
          {"nsgate", NSGATE_VERSION},
          {"kernel",
           {{"name", kernel.name},
            {"version", kernel.package_version},
            {"release", kernel.release},
            {"image", kernel.image.string()},
            {"image_sha256", kernel.image_sha256},
            {"config", kernel.config.string()},
            {"modules", identified(kernel.modules)},
            {"absent_modules", kernel.absent_modules},
            {"unpinned", kernel.unpinned}}},
          {"userland",
           {{"name", cell.userland.name},
            {"archive", cell.userland.archive.string()},
            {"sha256", cell.userland.sha256},
            {"packages", cell.userland.packages}}},
          {"profile",
           {{"name", cell.profile.name},
            {"kernel_arguments", cell.profile.kernel_arguments},
            {"settings", settings},
            {"files", identified(cell.policies)}}},
          {"user", to_string(cell.spec.user)},
          {"accelerator", to_string(result.accelerator)},
          {"accelerator_reason", result.accelerator_reason},
          {"qemu", setup.qemu.version},
          {"guests", guests},
          {"payload", identified(cell.payload.program)},
          {"carried", identified(cell.payload.carried)},
          {"init", identified(setup.init)},
          {"filter", request.filter.empty() ? cell.spec.filter : request.filter},
          {"environment", cell.spec.environment},
          {"shard", {{"index", cell.spec.shard.index}, {"of", cell.spec.shard.of}}},
          {"tests", cell.tests},
          {"deadlines_seconds",
           {{"boot", setup.deadlines.boot.count()},
            {"silence", setup.deadlines.silence.count()},
            {"test", setup.deadlines.test.count()},
            {"cell", setup.deadlines.cell.count()}}}};
}

Expected<void> prepare_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return could_not_start("cannot make the folder " + folder.string() + ": " + error.message() +
                           "; choose another with -o");
  }
  for (const char* name : {"results.json", "results.ktap", "junit.xml"}) {
    fs::remove(folder / name, error);
    if (error) {
      return could_not_start("cannot remove the old " + (folder / name).string() + ": " +
                             error.message() + "; choose another folder with -o");
    }
  }
  return {};
}

Expected<void> write_cell(const fs::path& folder, const CellResult& result, const CellSetup& setup,
                          const RunRequest& request) {
  std::error_code ignored;
  const auto self = fs::read_symlink("/proc/self/exe", ignored);
  const auto repro =
      "#!/bin/sh\n" + command_line(self.string(), request, result.cell.spec) + " \"$@\"\n";
  auto written = write_file(folder / "manifest.json", dump(manifest_of(result, setup, request)));
  if (written) written = write_file(folder / "repro.sh", repro);
  if (!written) return std::unexpected(Failure{ExitCode::infrastructure, written.error().message});
  fs::permissions(folder / "repro.sh", fs::perms(0755), ignored);
  return write_results(folder, result);
}

Expected<void> write_run(const RunResult& run) { return write_results(run.folder, run); }

}  // namespace nsgate::lab
