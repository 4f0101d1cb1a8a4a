// SPDX-License-Identifier: Apache-2.0
#include "lab/report/result_folder.h"

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"
#include "lab/base/write_file.h"
#include "lab/profiles/profile.h"
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

ordered_json manifest(const CellResult& result, const CellSetup& setup, const RunRequest& request) {
  const auto& [kernel, user] = result.cell;
  ordered_json carried = ordered_json::array();
  for (const auto& file : setup.payload.carried) carried.push_back(identified(file));
  return {{"schema_version", 1},
          {"nsgate", NSGATE_VERSION},
          {"kernel",
           {{"name", kernel.name},
            {"version", kernel.package_version},
            {"release", kernel.release},
            {"image", kernel.image.string()},
            {"image_sha256", kernel.image_sha256},
            {"unpinned", kernel.unpinned}}},
          {"user", to_string(user)},
          {"profile", setup.profile.name},
          {"accelerator", to_string(Accelerator::tcg)},
          {"qemu", {{"version", setup.qemu.version}, {"command", result.qemu_command}}},
          {"payload", identified(setup.payload.program)},
          {"carried", carried},
          {"init", identified(setup.init)},
          {"filter", request.filter},
          {"deadlines_seconds",
           {{"boot", setup.deadlines.boot.count()},
            {"silence", setup.deadlines.silence.count()},
            {"test", setup.deadlines.test.count()},
            {"cell", setup.deadlines.cell.count()}}}};
}

}  // namespace

Expected<void> prepare_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return could_not_start("cannot make the folder " + folder.string() + ": " + error.message() +
                           "; choose another with -o");
  }
  fs::remove(folder / "results.json", error);
  if (error) {
    return could_not_start("cannot remove the old results.json of " + folder.string() + ": " +
                           error.message() + "; choose another folder with -o");
  }
  return {};
}

Expected<void> write_cell(const fs::path& folder, const CellResult& result, const CellSetup& setup,
                          const RunRequest& request) {
  std::error_code ignored;
  const auto self = fs::read_symlink("/proc/self/exe", ignored);
  const auto repro =
      "#!/bin/sh\n" +
      command_line(self.string(), request, result.cell.kernel.name, result.cell.user) + "\n";
  auto written = write_file(folder / "manifest.json", dump(manifest(result, setup, request)));
  if (written) written = write_file(folder / "repro.sh", repro);
  if (written) written = write_file(folder / "results.json", dump(to_json(result)));
  if (!written) return std::unexpected(Failure{ExitCode::infrastructure, written.error().message});
  fs::permissions(folder / "repro.sh", fs::perms(0755), ignored);
  return {};
}

}  // namespace nsgate::lab
