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
  int file = -1;
  int cut = 0;
  const auto cut_it = [&](Command::Stream, std::string_view) {
    file = own_file_of_the_stub();
    cut = error_of(::ftruncate(file, 0));
  };

  const auto ended = exec_in_user_netns(UserTarget::process(own.pid()),
                                        {.argv = {helper(), "ids"}, .on_output = cut_it});

  EXPECT_THAT(ended, ExitsWith(0));
  EXPECT_GE(file, 0);
  EXPECT_EQ(cut, EPERM);
}

}  // namespace
}  // namespace nsgate::test
