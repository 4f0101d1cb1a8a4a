// SPDX-License-Identifier: Apache-2.0
//
// A broken guest is never a pass (faults_test.cc), nor is one whose results find no room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "vm/faulty_run.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;

/// Runs nsgate with its results on a disk of its own, which a shell may fill.
class SmallDisk : public FaultyRun {
 protected:
  Answer on_a_disk_of(const std::string& size, const std::string& meanwhile,
                      const Words& tests) const {
    std::string argv;
    for (const auto& word : command("root", tests, {"--accel", "tcg"})) argv += " '" + word + "'";
    const auto disk = results().string();
    return answer_of({"unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                      "mkdir " + disk + " && mount -t tmpfs -o size=" + size + " none " + disk +
                          " && { " + meanwhile + " } && exec" + argv});
  }
};

TEST_F(SmallDisk, FullWhileTheGuestRuns) {
  const auto disk = results().string();
  // QEMU has just opened its console then; $$ becomes nsgate.
  const auto answer = on_a_disk_of(
      "100m",
      "(until [ -e " + disk + "/*/console.log ]; do kill -0 $$ || exit; sleep 0.02; done; " +
          "cat /dev/zero >" + disk + "/filling) 2>/dev/null & ",
      {"Passes", "ComesLast"});
  EXPECT_EQ(answer.exit, 2) << answer.out << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("frames.log: is the disk full?"));
}

TEST_F(SmallDisk, FullBeforeTheGuest) {
  const auto answer = on_a_disk_of("1m", ":;", {"Passes"});
  EXPECT_EQ(answer.exit, 125) << answer.out << answer.err;
  EXPECT_THAT(answer.out + answer.err, HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace nsgate::lab
