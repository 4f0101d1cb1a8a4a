// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/reproduction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/report/result_folder.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Reproduction : public testing::Test {
 protected:
  ordered_json manifest() const {
    return manifest_of({.cell = cell, .verdict = {}, .guests = {}}, setup, request);
  }

  /// What is written by one run is read by the next.
  ordered_json read_back() const {
    folder.write("cell/manifest.json", manifest().dump(2));
    return value_of(read_manifest(folder.path() / "cell"));
  }

  const ScratchFolder folder;
  const LabFiles files{
      .data = {},
      .init = {},
      .tests = {.program = folder.write("static/tests", "static"), .carried = {}},
      .dynamic_tests = {.program = folder.write("dynamic/tests", "dynamic"), .carried = {}}};
  CellSetup setup{.qemu = {"qemu", "QEMU 7.2"},
                  .init = folder.write("init", "the init"),
                  .deadlines = {.boot = std::chrono::seconds(61),
                                .silence = std::chrono::seconds(31),
                                .cell = std::chrono::seconds(301),
                                .test = std::chrono::seconds(46)},
                  .allow = {},
                  .today = {}};
  Cell cell{.spec = {.kernel = "6.1",
                     .user = frame::User::rootless,
                     .userland = "trixie",
                     .profile = "yama-1",
                     .payload = (folder.path() / "own").string(),
                     .shard = {2, 3},
                     .filter = "A.*",
                     .environment = {"A=1"}},
            .kernel = {.name = "6.1",
                       .release = "6.1.0",
                       .package_version = "6.1-1",
                       .image = "/cache/bzImage",
                       .image_sha256 = "aa",
                       .unpinned = ""},
            .userland = {.name = "trixie", .sha256 = "bb"},
            .profile = {},
            .policies = {},
            .payload = {.program = folder.write("own", "own"),
                        .carried = {folder.write("helper", "helper")}},
            .tests = {"A.B", "A.C"},
            .unavailable = {}};
  RunRequest request;

  Reproduction() { cell.profile.name = "yama-1"; }
};

TEST_F(Reproduction, RequestIsWhatTheManifestSays) {
  const auto again = value_of(request_of(read_back(), files));
  EXPECT_THAT(again.cells, ElementsAre(cell.spec));
  EXPECT_THAT(again.carried, ElementsAre(folder.path() / "helper"));
  EXPECT_EQ(again.deadlines.boot, setup.deadlines.boot);
  EXPECT_EQ(again.deadlines.silence, setup.deadlines.silence);
  EXPECT_EQ(again.deadlines.cell, setup.deadlines.cell);
  EXPECT_EQ(again.deadlines.test, setup.deadlines.test);
  EXPECT_EQ(again.accelerator, AcceleratorChoice::tcg);
}

TEST_F(Reproduction, OwnTestsOfTheLabAreTakenByName) {
  for (const auto& payload : {files.tests, files.dynamic_tests}) {
    cell.payload = payload;
    const auto again = value_of(request_of(read_back(), files));
    EXPECT_EQ(again.cells.at(0).payload, default_payload);
  }
}

TEST_F(Reproduction, TheSameDiffersInNothing) {
  EXPECT_THAT(differences(read_back(), manifest()), IsEmpty());
}

TEST_F(Reproduction, EachDifferenceIsNamed) {
  const auto then = read_back();
  folder.write("own", "another");
  folder.write("helper", "another");
  folder.write("init", "another");
  cell.kernel.image_sha256 = "ab";
  cell.userland.sha256 = "bc";
  cell.kernel.modules = {folder.write("dummy.ko", "module")};
  cell.profile.settings = {{"sysctl", "kernel.x=1"}};
  cell.profile.kernel_arguments = "lockdown=integrity";
  cell.tests = {"A.B", "A.D"};
  setup.qemu.version = "QEMU 8";
  EXPECT_THAT(differences(then, manifest()),
              ElementsAre("kernel image /cache/bzImage: was \"aa\", is \"ab\"",
                          HasSubstr("dummy.ko: was none"), "userland trixie: was \"bb\", is \"bc\"",
                          HasSubstr("is \"lockdown=integrity\""), HasSubstr("kernel.x=1"),
                          HasSubstr("init " + (folder.path() / "init").string()),
                          HasSubstr("payload " + (folder.path() / "own").string()),
                          HasSubstr("carried file " + (folder.path() / "helper").string()),
                          "QEMU: was \"QEMU 7.2\", is \"QEMU 8\"", "test A.C: is no longer there",
                          "test A.D: was not there"));
}

TEST_F(Reproduction, MissingFileIsADifference) {
  const auto then = read_back();
  std::filesystem::remove(folder.path() / "helper");
  EXPECT_THAT(differences(then, manifest()), ElementsAre(HasSubstr("is null")));
}

TEST_F(Reproduction, EditedOrMissingManifestIsTold) {
  EXPECT_THAT(read_manifest(folder.path()).error().message, HasSubstr("result folder of one cell"));
  folder.write("manifest.json", "{");
  EXPECT_THAT(read_manifest(folder.path()).error().message, HasSubstr("no JSON"));
  folder.write("manifest.json", R"({"schema_version": 2})");
  EXPECT_THAT(read_manifest(folder.path()).error().message, HasSubstr("schema version"));
  for (const char* key : {"kernel", "payload", "user", "shard", "deadlines_seconds", "userland"}) {
    auto cut = manifest();
    cut.erase(key);
    EXPECT_FALSE(request_of(cut, files)) << key;
  }
  auto edited = manifest();
  edited["user"] = "nobody";
  EXPECT_FALSE(request_of(edited, files));
}

}  // namespace
}  // namespace nsgate::lab
