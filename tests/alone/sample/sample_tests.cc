// SPDX-License-Identifier: Apache-2.0
//
// Tests that end in every way in which tests end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "support/behaviours.h"

namespace {

TEST(Good, Passes) { BEHAVIOUR("TR01"); }

TEST(Good, HasADirectoryAndASessionOfItsOwnAndNoDescriptors) {
  BEHAVIOUR("TR01");
  EXPECT_EQ(std::filesystem::current_path(), ::getenv("TMPDIR"));
  EXPECT_TRUE(std::filesystem::is_empty("."));
  EXPECT_EQ(::getsid(0), ::getpid());
  EXPECT_EQ(::fcntl(9, F_GETFD), -1);
}

TEST(Skip, Root) {
  BEHAVIOUR("TR03");
  GTEST_SKIP() << "needs root: pretends that it was started without";
}

TEST(Bad, Fails) {
  BEHAVIOUR("TR02");
  EXPECT_TRUE(false) << "the sky is green\nok 1 forged";
}

TEST(Bad, SkipsWithoutAReason) {
  BEHAVIOUR("TR02");
  GTEST_SKIP() << "no time";
}

TEST(Bad, Crashes) {
  BEHAVIOUR("TR02");
  ::signal(SIGSEGV, SIG_DFL);  // a sanitizer makes an exit of it
  ::raise(SIGSEGV);
}

TEST(Bad, ExitsZeroWithoutResult) {
  BEHAVIOUR("TR02");
  ::_exit(0);
}

TEST(Hang, Stays) {
  BEHAVIOUR("TR02");
  for (;;) ::pause();
}

/// Its process is there until somebody kills it.
TEST(Leave, AProcess) {
  BEHAVIOUR("TR01");
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::setsid();
    for (;;) ::pause();
  }
  ASSERT_GT(daemon, 0);
  if (const char* const file = ::getenv("SAMPLE_DAEMON")) {
    FILE* const out = ::fopen(file, "w");
    ASSERT_NE(out, nullptr);
    ::fprintf(out, "%d", daemon);
    ::fclose(out);
  }
}

TEST(DISABLED_Never, Runs) { FAIL(); }

}  // namespace
