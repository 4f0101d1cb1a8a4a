// SPDX-License-Identifier: Apache-2.0
//
// Namespace descriptors do not leak into programs that others start, and a full table does not
// keep anyone out who holds a pidfd.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <thread>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/netns.h"
#include "support/child_process.h"
#include "support/exec_ways.h"
#include "support/kernel.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

constexpr unsigned long pidfd_get_net_namespace = _IO(0xFF, 4);  // linux/pidfd.h, Linux 6.11

bool closes_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

Fd pidfd_of(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

TEST(Netns, DescriptorsAreCloseOnExec) {
  BEHAVIOUR("FD02");
  REQUIRES(userns);
  const UserScratch other;

  const auto net = Netns::open(Target::process(other.pid()));
  const auto both = UserNetns::open(UserTarget::process(other.pid()));

  ASSERT_THAT(net, IsOk());
  EXPECT_TRUE(closes_on_exec(net->fd()));
  ASSERT_THAT(both, IsOk());
  EXPECT_TRUE(closes_on_exec(both->user()));
  EXPECT_TRUE(closes_on_exec(both->net()));
}

/// What a program started by somebody else finds open, as `nsgate_helper fds` prints it.
std::string descriptors_of_a_stranger(const std::string& program) {
  Fd output(::memfd_create("stdout", MFD_CLOEXEC));
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  std::string verb = "fds";
  std::string name = program;
  char* const argv[] = {name.data(), verb.data(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0 || ::waitpid(pid, nullptr, 0) != pid) return "not started";
  std::string text(4096, '\0');
  const auto size = ::pread(output.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

TEST(Exec, LeaksNoDescriptorToProgramsThatOtherThreadsStart) {
  BEHAVIOUR("FD02");
  REQUIRES(userns);
  const std::string program = helper();
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const auto alone = descriptors_of_a_stranger(program);
    std::latch started(2);
    std::atomic<bool> end = false;
    std::vector<Result<Finished>> ended;
    std::thread executing([&, &run = execute] {
      started.arrive_and_wait();
      while (!end) {
        Command command{.argv = {program, "exit", "3"}};
        if (ended.size() % 2 == 0) command.stdin_bytes = "read by nobody";
        ended.push_back(run(command));
      }
    });

    started.arrive_and_wait();
    std::vector<std::string> beside;
    for (int i = 0; i < 20; ++i) beside.push_back(descriptors_of_a_stranger(program));
    end = true;
    executing.join();

    EXPECT_THAT(beside, ::testing::Each(alone));
    EXPECT_THAT(ended, ::testing::Each(ExitsWith(3)));
    EXPECT_FALSE(ended.empty());
  }
}

TEST(PidfdOpen, IsCloseOnExec) {
  BEHAVIOUR("FD04");
  const Fd pidfd = pidfd_of(::getpid());

  ASSERT_TRUE(pidfd);
  EXPECT_TRUE(closes_on_exec(pidfd.get()));
}

struct Opened {
  int error;
  bool closes_on_exec;
  friend bool operator==(const Opened&, const Opened&) = default;
};
void PrintTo(const Opened& opened, std::ostream* out) {
  *out << "errno " << opened.error << ", close-on-exec " << opened.closes_on_exec;
}

Opened opened(int result) {
  if (result < 0) return {errno, false};
  const Fd fd(result);
  return {0, closes_on_exec(fd.get())};
}

TEST(NamespaceIoctl, DescriptorsAreCloseOnExec) {
  BEHAVIOUR("FD03");
  REQUIRES(userns);
  const UserScratch other;
  const Fd net = other.open("ns/net");
  const Fd self = pidfd_of(::getpid());

  EXPECT_EQ(opened(::ioctl(net.get(), NS_GET_USERNS)), (Opened{0, true}));
  // SIOCGSKNS needs CAP_NET_ADMIN, which the test's user has in a namespace of its own.
  EXPECT_EQ(answer_of_child([] {
              if (const int error = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); error != 0) {
                return Opened{error, false};
              }
              const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
              return opened(::ioctl(socket.get(), SIOCGSKNS));
            }),
            (Opened{0, true}));
  // pidfd ioctls for namespaces: since Linux 6.11 (fs/pidfs.c).
  EXPECT_EQ(opened(::ioctl(self.get(), pidfd_get_net_namespace, 0)),
            on_this_kernel<Opened>({{{0, 0}, {ENOTTY, false}}, {{6, 11}, {0, true}}}));
}

TEST(CloseRange, MarksDescriptorsCloseOnExecSinceLinux511) {
  BEHAVIOUR("FD05");
  struct Seen {
    int closing_error;
    int marking_error;
    bool marked;
  };
  const auto seen = answer_of_child([] {
    Seen answer{};
    const Fd fd(::fcntl(0, F_DUPFD, 100));
    const auto number = static_cast<unsigned int>(fd.get());
    answer.marking_error = ::close_range(number, number, CLOSE_RANGE_CLOEXEC) == 0 ? 0 : errno;
    answer.marked = closes_on_exec(fd.get());
    answer.closing_error = ::close_range(number + 1, ~0u, 0) == 0 ? 0 : errno;
    return answer;
  });

  // close_range(2): the call since Linux 5.9, the flag since 5.11.
  EXPECT_EQ(seen.closing_error, on_this_kernel<int>({{{0, 0}, ENOSYS}, {{5, 9}, 0}}));
  EXPECT_EQ(seen.marking_error,
            on_this_kernel<int>({{{0, 0}, ENOSYS}, {{5, 9}, EINVAL}, {{5, 11}, 0}}));
  EXPECT_EQ(seen.marked, seen.marking_error == 0);
}

TEST(Setns, NeedsNoFreeDescriptorForAPidfd) {
  BEHAVIOUR("FD08");
  REQUIRES(userns);
  const UserScratch other;
  const Fd pidfd = pidfd_of(other.pid());
  struct Seen {
    Stage stage;
    int open_error;
    int setns_error;
  };

  const auto seen = answer_of_child([&] {
    Seen answer{};
    const rlimit files{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &files);
    while (::dup(pidfd.get()) >= 0) {
    }
    const auto opened = Netns::open(Target::process(other.pid()));
    answer.stage = opened ? Stage::wait : opened.error().stage;
    answer.open_error = opened ? 0 : opened.error().code;
    answer.setns_error = ::setns(pidfd.get(), CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : errno;
    return answer;
  });

  EXPECT_EQ(seen.stage, Stage::open);
  EXPECT_EQ(seen.open_error, EMFILE);
  // setns(2): a pidfd since Linux 5.8.
  EXPECT_EQ(seen.setns_error, on_this_kernel<int>({{{0, 0}, EINVAL}, {{5, 8}, 0}}));
}

}  // namespace
}  // namespace nsgate::test
