// SPDX-License-Identifier: Apache-2.0
//
// A program that could not be started: which stage refused, with the errno as the kernel gave it,
// and nothing left behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <filesystem>
#include <set>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/ended.h"
#include "support/exec_ways.h"
#include "support/kernel.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"
#include "support/syscall_filter.h"

namespace nsgate::test {
namespace {

using ::testing::HasSubstr;

TEST(Exec, ReportsTheErrnoOfExecve) {
  BEHAVIOUR("EX03 EX04");
  REQUIRES(userns);
  const ScratchDirectory directory;
  const auto loop = directory.path() / "loop";
  std::filesystem::create_symlink("loop", loop);
  const std::string too_long(static_cast<std::size_t>(32 * ::getpagesize()), 'x');
  const std::string missing = directory.path() / "missing";
  const std::vector<std::pair<std::vector<std::string>, int>> table{
      {{missing}, ENOENT},
      {{""}, ENOENT},
      {{directory.file("script", "#!/no/such/interpreter\n")}, ENOENT},
      {{directory.file("file", "#!" + helper() + "\n", 0644)}, EACCES},
      {{directory.path()}, EACCES},
      {{directory.file("text", "exit 0\n")}, ENOEXEC},
      {{directory.file("empty", "")}, ENOEXEC},
      {{directory.file("leaf", "") + "/program"}, ENOTDIR},
      {{loop}, ELOOP},
      {{"/" + std::string(PATH_MAX, 'x')}, ENAMETOOLONG},
      {{helper(), "args", too_long}, E2BIG},
  };
  for (const auto& [way, execute] : exec_ways()) {
    for (const auto& [argv, error] : table) {
      SCOPED_TRACE(way + " of " + argv.front().substr(0, 100) + ", to fail with errno " +
                   std::to_string(error));
      const OpenFds before;

      const auto ended = execute({.argv = argv});

      EXPECT_THAT(ended, FailsAt(Stage::exec, error));
      EXPECT_EQ(OpenFds(), before);
    }
  }
}

TEST(Exec, RefusesAFileThatIsOpenForWriting) {
  BEHAVIOUR("EX04 EX06");
  REQUIRES(userns);
  const ScratchDirectory directory;
  const std::string program = directory.path() / "program";
  std::filesystem::copy_file(helper(), program);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    Fd writer(::open(program.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(writer);

    EXPECT_THAT(execute({.argv = {program, "exit", "3"}}), FailsAt(Stage::exec, ETXTBSY));
    writer.reset();
    EXPECT_THAT(execute({.argv = {program, "exit", "3"}}), ExitsWith(3));
  }
}

TEST(Exec, RefusesACommandThatCannotBeSaid) {
  BEHAVIOUR("EX03");
  REQUIRES(userns);
  using namespace std::string_literals;
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const OpenFds before;

    EXPECT_THAT(execute({.argv = {}}), FailsAt(Stage::exec, EINVAL));
    EXPECT_THAT(execute({.argv = {helper(), "a\0b"s}}), FailsAt(Stage::exec, EINVAL));
    EXPECT_THAT(execute({.argv = {helper()}, .env = {{"A=\0"s}}}), FailsAt(Stage::exec, EINVAL));
    for (const auto& none : {Command::Credentials{static_cast<uid_t>(-1), 0},
                             Command::Credentials{0, static_cast<gid_t>(-1)}}) {
      EXPECT_THAT(execute({.argv = {helper()}, .credentials = none}), FailsAt(Stage::exec, EINVAL));
    }
    for (const int none : {-1, 65, INT_MAX}) {
      EXPECT_THAT(execute({.argv = {helper()}, .parent_death_signal = none}),
                  FailsAt(Stage::exec, EINVAL));
    }

    EXPECT_EQ(OpenFds(), before);
  }
}

TEST(Exec, AMissingProgramIsNoExitCode) {
  BEHAVIOUR("EX03 EX05");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_THAT(execute({.argv = {"/no/such/program"}}), FailsAt(Stage::exec, ENOENT));
    EXPECT_THAT(execute({.argv = {helper(), "exit", "127"}}), ExitsWith(127));
    EXPECT_THAT(execute({.argv = {helper(), "exit", "126"}}), ExitsWith(126));
  }
}

TEST(Exec, RefusesAnUnusableStdinBeforeThereIsAChild) {
  BEHAVIOUR("EX03");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int free = ::fcntl(null.get(), F_DUPFD_CLOEXEC, 3);
    const int far_off = ::fcntl(null.get(), F_DUPFD_CLOEXEC, 500);
    ::close(free);
    ::close(far_off);
    const OpenFds before;

    EXPECT_THAT(execute({.argv = {helper(), "exit", "0"}, .stdin_fd = far_off}),
                FailsAt(Stage::pipe, EBADF));
    // Nor is it a descriptor that the call itself has opened under this number.
    EXPECT_THAT(execute({.argv = {helper(), "exit", "0"}, .stdin_fd = free}),
                FailsAt(Stage::pipe, EBADF));

    EXPECT_EQ(OpenFds(), before);
  }
}

TEST(ExecInNetns, ReportsThatTheTargetIsNoNamespace) {
  BEHAVIOUR("EX03");
  const OpenFds before;

  const auto missing = exec_in_netns(Target::path("/no/such/namespace"), {.argv = {helper()}});
  const auto no_namespace = exec_in_netns(Target::path("/dev/null"), {.argv = {helper()}});

  EXPECT_THAT(missing, FailsAt(Stage::open, ENOENT));
  EXPECT_THAT(missing.error().message(), HasSubstr("/no/such/namespace: ENOENT"));
  EXPECT_THAT(no_namespace, FailsAt(Stage::open, EINVAL));
  EXPECT_EQ(no_namespace.error().message(),
            "open /dev/null: EINVAL (Invalid argument): not a namespace");
  EXPECT_EQ(OpenFds(), before);
}

TEST(ExecInNetns, ReportsThatPermissionIsMissing) {
  BEHAVIOUR("EX03");
  REQUIRES(rootless);
  const OpenFds before;

  EXPECT_THAT(exec_in_netns(Target::path("/proc/self/ns/net"), {.argv = {helper()}}),
              FailsAt(Stage::setns_net, EPERM));
  EXPECT_EQ(OpenFds(), before);
}

TEST(ExecInUserNetns, ReportsTheUserNamespaceApartFromTheNetworkNamespace) {
  BEHAVIOUR("EX03");
  REQUIRES(userns);
  const UserScratch other;
  const Fd user = other.open("ns/user");
  const Fd net = other.open("ns/net");
  const Fd neither(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Command command{.argv = {helper(), "exit", "0"}};
  const auto enter = [&](const Fd& user_fd, const Fd& net_fd) {
    return exec_in_user_netns(UserTarget::descriptors({.user = user_fd.get(), .net = net_fd.get()}),
                              command);
  };
  const auto refusal = [&](const Fd& user_fd, const Fd& net_fd) {
    const auto ended = enter(user_fd, net_fd);
    return ended ? "" : ended.error().message();
  };
  const auto refusal_of = [](const Fd& fd, const std::string& note) {
    return "open descriptor " + std::to_string(fd.get()) + ": EINVAL (Invalid argument): " + note;
  };
  const std::string no_user = "not a user namespace, but one of another kind";
  const std::string no_net = "not a network namespace, but one of another kind";
  const OpenFds before;

  EXPECT_THAT(exec_in_user_netns(UserTarget::process(::getpid()), command, Plan::sequential),
              FailsAt(Stage::setns_user, EINVAL));
  EXPECT_EQ(refusal(neither, net), refusal_of(neither, "not a namespace"));
  EXPECT_EQ(refusal(user, neither), refusal_of(neither, "not a namespace"));
  EXPECT_EQ(refusal(net, user), refusal_of(net, no_user));
  EXPECT_EQ(refusal(user, user), refusal_of(user, no_net));
  EXPECT_THAT(enter(user, net), ExitsWith(0));
  EXPECT_EQ(OpenFds(), before);
}

struct FailureAndLeak {
  Ended ended;
  int leaked;
};

/// Counted without opening anything, which a test may have forbidden.
int open_descriptors() {
  int open = 0;
  for (int fd = 0; fd < 1024; ++fd) open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return open;
}

// Each system call of an execution is made to fail, with an errno that it does not give by itself.
TEST(Exec, EveryRefusedSystemCallHasItsStageAndKeepsItsErrno) {
  BEHAVIOUR("EX03 EX22 FD09");
  REQUIRES(userns);
  struct Fault {
    const char* name;
    long number;
    Stage stage;
  };
  for (const auto& [way, execute] : exec_ways()) {
    const Stage first = way == "exec_in_netns" ? Stage::setns_net : Stage::setns_both;
    // The ioctls of a pidfd are there since Linux 6.11, and then stdin is what is opened first.
    const Stage opening = on_this_kernel<Stage>({{{0, 0}, Stage::open}, {{6, 11}, Stage::pipe}});
    for (const auto& fault :
         {Fault{"pidfd_open", SYS_pidfd_open, Stage::open}, Fault{"ioctl", SYS_ioctl, Stage::open},
          Fault{"openat", SYS_openat, opening}, Fault{"pipe2", SYS_pipe2, Stage::pipe},
          Fault{"clone", SYS_clone, Stage::clone}, Fault{"setns", SYS_setns, first},
          Fault{"dup3", SYS_dup3, Stage::stdio},
          Fault{"close_range", SYS_close_range, Stage::descriptors},
          Fault{"execve", SYS_execve, Stage::exec}}) {
      SCOPED_TRACE(way + ", refused at " + fault.name);
      const std::string program = helper();

      const auto seen = answer_of_child([&, &run = execute] {
        if (const int error = refuse_syscall(fault.number, ENOANO); error != 0) {
          return FailureAndLeak{refused(Stage::wait, error), 0};
        }
        const int before = open_descriptors();
        const auto ended = how_it_ended(run({.argv = {program, "exit", "0"}}));
        return FailureAndLeak{ended, open_descriptors() - before};
      });

      EXPECT_EQ(seen.ended, refused(fault.stage, ENOANO));
      EXPECT_EQ(seen.leaked, 0);
    }
  }
}

TEST(ExecInNetns, ReportsThatNoProcessCanBeCreated) {
  BEHAVIOUR("EX22");
  const Command command{.argv = {helper(), "exit", "0"}};

  const auto seen = answer_of_child([&] {
    // Root is not bound by the limit.
    const int unprivileged = ::geteuid() == 0 ? become_user(65534) : 0;
    const rlimit none{0, 0};
    if (unprivileged != 0 || ::setrlimit(RLIMIT_NPROC, &none) != 0) {
      return FailureAndLeak{refused(Stage::wait, errno), 0};
    }
    const int before = open_descriptors();
    const auto ended = how_it_ended(exec_in_netns(Target::path("/proc/self/ns/net"), command));
    return FailureAndLeak{ended, open_descriptors() - before};
  });

  EXPECT_EQ(seen.ended, refused(Stage::clone, EAGAIN));
  EXPECT_EQ(seen.leaked, 0);
}

}  // namespace
}  // namespace nsgate::test
