// SPDX-License-Identifier: Apache-2.0
//
// A parent that ends before its child could ask to be told of that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/ended.h"
#include "support/exec_ways.h"
#include "support/line.h"
#include "support/matchers.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

/// For a child: stops whoever calls setpgid(2) from now on until it is let go, by a listener
/// (seccomp(2), SECCOMP_RET_USER_NOTIF, Linux 5.0), which it returns; or -errno.
int hold_setpgid() {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setpgid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
  const long listener =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  return listener < 0 ? -errno : static_cast<int>(listener);
}

/// The number of the listener in `caller`, told by it on the line, as a descriptor here.
Fd take_listener(const Line& line, pid_t caller) {
  const int number = line.read_pid();
  return Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd_open(caller).get(), number, 0)));
}

/// Waits until somebody is held; false when nobody comes.
bool receive(const Fd& listener, seccomp_notif& held) {
  pollfd event{listener.get(), POLLIN, 0};
  return ::poll(&event, 1, 20'000) == 1 &&
         ::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &held) == 0;
}

int let_go(const Fd& listener, const seccomp_notif& held) {
  seccomp_notif_resp answer{};
  answer.id = held.id;
  answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  return error_of(::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer));
}

TEST(Exec, ProgramOfAParentThatEndedBeforeIsKilledBeforeItStarts) {
  BEHAVIOUR("EX09");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Line line;
    const pid_t caller = ::fork();
    ASSERT_GE(caller, 0);
    if (caller == 0) {
      const auto number = std::to_string(hold_setpgid()) + '\n';
      (void)!::write(line.far.get(), number.data(), number.size());
      (void)execute({.argv = {helper(), "stop", "0"},
                     .stdin_fd = line.far.get(),
                     .own_group = true,
                     .parent_death_signal = SIGKILL});
      ::_exit(1);
    }

    const Fd listener = take_listener(line, caller);
    seccomp_notif held{};
    const bool is_held = listener && receive(listener, held);
    ::kill(caller, SIGKILL);
    ::waitpid(caller, nullptr, 0);
    ASSERT_TRUE(is_held);
    EXPECT_EQ(let_go(listener, held), 0);

    line.far.reset();
    const pid_t started = line.read_pid();
    if (started > 0) ::kill(started, SIGKILL);
    EXPECT_EQ(started, 0);
    EXPECT_TRUE(line.ends());
  }
}

TEST(Exec, ProgramInAPidNamespaceBelowItsParentsIsNotTakenForAnOrphan) {
  BEHAVIOUR("EX09");
  REQUIRES(userns);
  REQUIRES(root);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = answer_of_child([&]() -> Ended {
      if (::unshare(CLONE_NEWPID) != 0) return exited(errno);
      // The first is that namespace's init, which no signal of its own kills.
      const pid_t init = ::fork();
      if (init == 0) ::pause();
      const auto program =
          how_it_ended(execute({.argv = {helper(), "exit", "7"}, .parent_death_signal = SIGKILL}));
      ::kill(init, SIGKILL);
      ::waitpid(init, nullptr, 0);
      return program;
    });

    EXPECT_EQ(ended, exited(7));
  }
}

}  // namespace
}  // namespace nsgate::test
