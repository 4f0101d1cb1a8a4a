// SPDX-License-Identifier: Apache-2.0
#include "guest/system_call_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace nsgate::guest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SystemCallFilter, ReadsActionAndSystemCalls) {
  const auto filter = parse_filter("eperm setns");
  ASSERT_TRUE(filter) << filter.error();
  EXPECT_EQ(filter->action, SECCOMP_RET_ERRNO | EPERM);
  EXPECT_THAT(filter->numbers, ElementsAre(SYS_setns));

  const auto two = parse_filter("kill pidfd_open clone3");
  ASSERT_TRUE(two) << two.error();
  EXPECT_EQ(two->action, SECCOMP_RET_KILL_PROCESS);
  EXPECT_THAT(two->numbers, ElementsAre(SYS_pidfd_open, SYS_clone3));
}

TEST(SystemCallFilter, SaysWhatItDoesNotUnderstand) {
  EXPECT_THAT(parse_filter("eperm").error(), HasSubstr("\"eperm\""));
  EXPECT_THAT(parse_filter("").error(), HasSubstr("an action and system calls"));
  EXPECT_THAT(parse_filter("eacces setns").error(), HasSubstr("not eacces"));
  EXPECT_THAT(parse_filter("eperm setns fork").error(), HasSubstr("no system call fork"));
}

/// The errno of setns(-1, 0), or minus the signal, in a child under the filter.
int answer_under(const char* text, long number) {
  const auto filter = parse_filter(text);
  auto instructions = filter_program(filter.value());
  const sock_fprog program{static_cast<unsigned short>(instructions.size()), instructions.data()};
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
      ::_exit(255);
    }
    ::_exit(::syscall(number, -1, 0) < 0 ? errno : 0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(SystemCallFilter, AnswersTheNamedCallsAndNoOther) {
  EXPECT_EQ(answer_under("eperm setns", SYS_setns), EPERM);
  EXPECT_EQ(answer_under("enosys pidfd_open setns", SYS_setns), ENOSYS);
  EXPECT_EQ(answer_under("enosys pidfd_open setns", SYS_pidfd_open), ENOSYS);
  EXPECT_EQ(answer_under("kill setns", SYS_setns), -SIGSYS);
  EXPECT_EQ(answer_under("kill pidfd_open clone3", SYS_setns), EBADF);
  EXPECT_EQ(answer_under("kill setns", SYS_close), EBADF);
}

}  // namespace
}  // namespace nsgate::guest
