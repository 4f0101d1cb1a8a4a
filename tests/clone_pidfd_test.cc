// SPDX-License-Identifier: Apache-2.0
//
// The pidfd that comes with a child: no moment in which the pid could be another's.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "support/child_process.h"
#include "support/clone3.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

int signal_through(const Fd& process, int signal) {
  return error_of(::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0));
}

siginfo_t end_through(const Fd& process) {
  siginfo_t end{};
  // P_PIDFD of waitid(2), since Linux 5.4.
  if (::waitid(static_cast<idtype_t>(3), static_cast<id_t>(process.get()), &end, WEXITED) != 0) {
    end.si_errno = errno;
  }
  return end;
}

TEST(Clone3, GivesAPidfdWithTheChild) {
  BEHAVIOUR("EX16");
  struct Seen {
    int made;
    bool close_on_exec, of_the_child, ended_by_it;
    int after;
  };

  const auto seen = answer_of_child([] {
    int number = -1;
    clone_args how{};
    how.flags = CLONE_PIDFD;
    how.exit_signal = SIGCHLD;
    how.pidfd = reinterpret_cast<std::uintptr_t>(&number);
    const pid_t pid = clone3(how, [] {
      while (true) ::pause();
      return 0;
    });
    Seen answer{};
    answer.made = error_of(pid);
    if (pid < 0) return answer;
    const Fd process(number);
    answer.close_on_exec = (::fcntl(process.get(), F_GETFD) & FD_CLOEXEC) != 0;
    signal_through(process, SIGKILL);
    const auto end = end_through(process);
    answer.of_the_child = end.si_pid == pid;
    answer.ended_by_it = end.si_code == CLD_KILLED && end.si_status == SIGKILL;
    answer.after = signal_through(process, 0);
    return answer;
  });

  EXPECT_EQ(seen.made, 0);
  EXPECT_TRUE(seen.close_on_exec);
  EXPECT_TRUE(seen.of_the_child);
  EXPECT_TRUE(seen.ended_by_it);
  EXPECT_EQ(seen.after, ESRCH);
}

// What a pidfd_open(2) after the fork would be too late for: the child has ended, nobody has waited
// for it on purpose, and its pid is free.
TEST(Clone3, PidfdIsOfTheChildAlthoughThatIsReapedAlready) {
  BEHAVIOUR("EX16");
  struct Seen {
    int made;
    bool told_of_end;
    int by_pid, through_pidfd;
  };

  const auto seen = answer_of_child([] {
    // Children are not waited for (sigaction(2)).
    ::signal(SIGCHLD, SIG_IGN);
    int number = -1;
    clone_args how{};
    how.flags = CLONE_PIDFD;
    how.exit_signal = SIGCHLD;
    how.pidfd = reinterpret_cast<std::uintptr_t>(&number);
    const pid_t pid = clone3(how, [] { return 7; });
    Seen answer{};
    answer.made = error_of(pid);
    if (pid < 0) return answer;
    const Fd process(number);
    // Waits for the end of all children: ECHILD.
    ::waitpid(-1, nullptr, 0);
    pollfd ended{process.get(), POLLIN, 0};
    answer.told_of_end = ::poll(&ended, 1, 20'000) == 1;
    answer.by_pid = error_of(pidfd_open(pid));
    answer.through_pidfd = signal_through(process, 0);
    return answer;
  });

  EXPECT_EQ(seen.made, 0);
  EXPECT_TRUE(seen.told_of_end);
  EXPECT_EQ(seen.by_pid, ESRCH);
  EXPECT_EQ(seen.through_pidfd, ESRCH);
}

}  // namespace
}  // namespace nsgate::test
