// SPDX-License-Identifier: Apache-2.0
//
// The file that the child of exec_in_user_netns executes on its way. Who may trace that child can
// open it (/proc/PID/exe), and its caller reads in it how far the child came.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

/// -1: there is none.
int own_file_of_the_stub() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto file = std::filesystem::read_symlink(entry.path(), gone).string();
    if (file.starts_with("/memfd:nsgate")) return std::stoi(entry.path().filename());
  }
  return -1;
}

TEST(ExecInUserNetns, FileOfTheStubCannotBeCutShortUnderItsCaller) {
  BEHAVIOUR("UN18");
  REQUIRES(userns);
  const UserScratch own;
  int seals = -1;
  int cut = 0;
  const auto cut_it = [&](Command::Stream, std::string_view) {
    const int file = own_file_of_the_stub();
    seals = ::fcntl(file, F_GET_SEALS);
    // Of one that is not sealed, cutting it would end this test without a word.
    if (seals > 0 && (seals & F_SEAL_SHRINK) != 0) cut = error_of(::ftruncate(file, 0));
  };

  const auto ended = exec_in_user_netns(UserTarget::process(own.pid()),
                                        {.argv = {helper(), "ids"}, .on_output = cut_it});

  EXPECT_THAT(ended, ExitsWith(0));
  EXPECT_EQ(seals, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  EXPECT_EQ(cut, EPERM);
}

}  // namespace
}  // namespace nsgate::test
