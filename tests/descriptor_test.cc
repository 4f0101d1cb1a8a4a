// SPDX-License-Identifier: Apache-2.0
//
// Which descriptors a program has, whatever its caller has.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/child_process.h"
#include "support/ended.h"
#include "support/exec_ways.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// Copies that a program would inherit.
std::vector<Fd> inheritable_copies(int fd, std::initializer_list<int> at_least) {
  std::vector<Fd> copies;
  for (const int number : at_least) copies.emplace_back(::fcntl(fd, F_DUPFD, number));
  return copies;
}

TEST(Exec, ProgramHasTheStandardDescriptorsAndNoOther) {
  BEHAVIOUR("FD01");
  REQUIRES(userns);
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto inherited = inheritable_copies(null.get(), {3, 3, 10, 64, 500, 1000});
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute({.argv = {helper(), "fds"}});
    const auto with_stdin = execute({.argv = {helper(), "fds"}, .stdin_fd = inherited[0].get()});

    ASSERT_THAT(ended, ExitsWith(0));
    EXPECT_EQ(ended->out, "0\n1\n2\n");
    ASSERT_THAT(with_stdin, ExitsWith(0));
    EXPECT_EQ(with_stdin->out, "0\n1\n2\n");
    EXPECT_GE(::fcntl(inherited[5].get(), F_GETFD), 0) << "the caller's own was closed";
  }
}

TEST(Exec, FailureIsReportedAlthoughEveryDescriptorIsClosed) {
  BEHAVIOUR("FD06");
  REQUIRES(userns);
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_THAT(execute({.argv = {"/no/such/program"}}), FailsAt(Stage::exec, ENOENT));
    // The report's descriptor is a high one now, and 3 is somebody else's.
    const auto inherited = inheritable_copies(null.get(), {3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    EXPECT_THAT(execute({.argv = {"/no/such/program"}}), FailsAt(Stage::exec, ENOENT));
  }
}

struct ClosedStdio {
  bool entered;
  bool streams_whole;
  bool no_other_descriptor;
  bool left_as_it_was;
};

TEST(Exec, WorksForACallerWithoutStandardDescriptors) {
  BEHAVIOUR("FD07");
  REQUIRES(userns);
  const std::string program = helper();
  for (const auto& [way, execute] : exec_ways()) {
    for (unsigned int closed = 0; closed < 8; ++closed) {
      SCOPED_TRACE(way + ", with these of 0, 1 and 2 closed: bits " + std::to_string(closed));

      const auto seen = answer_of_child([&, &run = execute] {
        for (int fd = 0; fd < 3; ++fd) {
          if ((closed & 1u << fd) != 0) ::close(fd);
        }
        const auto written = run({.argv = {program, "write", "3", "2"}});
        const auto listed = run({.argv = {program, "fds"}});
        const auto read = run({.argv = {program, "stdin"}});
        ClosedStdio answer{};
        answer.entered = written && listed && read && written->succeeded() && listed->succeeded() &&
                         read->succeeded();
        if (!answer.entered) return answer;
        answer.streams_whole = written->out == "ooo" && written->err == "ee" && read->out.empty();
        answer.no_other_descriptor = listed->out == "0\n1\n2\n";
        answer.left_as_it_was = true;
        for (int fd = 0; fd < 3; ++fd) {
          const bool is_closed = ::fcntl(fd, F_GETFD) < 0;
          answer.left_as_it_was &= is_closed == ((closed & 1u << fd) != 0);
        }
        return answer;
      });

      EXPECT_TRUE(seen.entered);
      EXPECT_TRUE(seen.streams_whole);
      EXPECT_TRUE(seen.no_other_descriptor);
      EXPECT_TRUE(seen.left_as_it_was);
    }
  }
}

TEST(Exec, FailureIsReportedToACallerWithoutStandardDescriptors) {
  BEHAVIOUR("FD06 FD07");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = answer_of_child([&, &run = execute] {
      for (int fd = 0; fd < 3; ++fd) ::close(fd);
      return how_it_ended(run({.argv = {"/no/such/program"}}));
    });

    EXPECT_EQ(ended, refused(Stage::exec, ENOENT));
  }
}

TEST(ExecInNetns, DescriptorZeroIsAValidNamespace) {
  BEHAVIOUR("FD07");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd netns = other.open("ns/net");
  const auto id = other.id();
  const std::string program = helper();

  struct Seen {
    bool by_exec;
    bool by_thread;
  };
  const auto seen = answer_of_child([&] {
    ::dup2(netns.get(), STDIN_FILENO);
    const auto ran = exec_in_netns(Target::descriptor(0), {.argv = {program, "netns"}});
    const auto called = in_netns(Target::descriptor(0), current_netns);
    return Seen{
        ran && ran->out == std::to_string(id.device) + ':' + std::to_string(id.inode) + '\n',
        called && *called == id};
  });

  EXPECT_TRUE(seen.by_exec);
  EXPECT_TRUE(seen.by_thread);
}

TEST(ExecInUserNetns, StandardDescriptorsAreValidNamespaces) {
  BEHAVIOUR("FD07");
  REQUIRES(userns);
  const UserScratch other;
  const Fd user = other.open("ns/user");
  const Fd net = other.open("ns/net");
  const std::string program = helper();
  for (const auto& [user_at, net_at] : {std::pair{0, 1}, {1, 0}, {2, 1}, {0, 2}}) {
    SCOPED_TRACE("user namespace at " + std::to_string(user_at));

    const auto ended = answer_of_child([&, u = user_at, n = net_at] {
      ::dup2(user.get(), u);
      ::dup2(net.get(), n);
      return how_it_ended(exec_in_user_netns(UserTarget::descriptors({.user = u, .net = n}),
                                             {.argv = {program, "exit", "3"}}));
    });

    EXPECT_EQ(ended, exited(3));
  }
}

TEST(Exec, StdinMayBeAStandardDescriptorOfTheCaller) {
  BEHAVIOUR("FD07 SG03");
  REQUIRES(userns);
  const Fd input(::memfd_create("stdin", MFD_CLOEXEC));
  ASSERT_EQ(::pwrite(input.get(), "12345", 5, 0), 5);
  const std::string program = helper();
  for (const auto& [way, execute] : exec_ways()) {
    for (const int at : {0, 1, 2}) {
      SCOPED_TRACE(way + ", stdin at " + std::to_string(at));
      ASSERT_EQ(::lseek(input.get(), 0, SEEK_SET), 0);

      const bool arrived = answer_of_child([&, &run = execute] {
        ::dup2(input.get(), at);
        const auto ended = run({.argv = {program, "stdin"}, .stdin_fd = at});
        return ended && ended->out == "12345";
      });

      EXPECT_TRUE(arrived);
    }
  }
}

// However many descriptors there are: it works, or it says what was missing and takes none along.
TEST(Exec, RunningOutOfDescriptorsIsAnErrorThatLeaksNone) {
  BEHAVIOUR("FD08");
  REQUIRES(userns);
  struct Seen {
    Ended ended;
    bool leaked;
  };
  const std::string program = helper();
  for (const auto& [way, execute] : exec_ways()) {
    int failures = 0;
    int successes = 0;
    for (rlim_t spare = 0; spare <= 12; ++spare) {
      SCOPED_TRACE(way + " with " + std::to_string(spare) + " descriptors left");

      const auto seen = answer_of_child([&, &run = execute] {
        // No gap below: the limit is on the number, not on the count.
        constexpr unsigned int used = 64;
        while (::dup(0) < static_cast<int>(used)) {
        }
        ::close_range(used, ~0u, 0);
        const rlimit files{used + spare, used + spare};
        if (::setrlimit(RLIMIT_NOFILE, &files) != 0) {
          return Seen{refused(Stage::wait, errno), false};
        }
        const auto ended = how_it_ended(run({.argv = {program, "exit", "3"}}));
        const Fd next(::dup(0));
        return Seen{ended, spare > 0 && next.get() != static_cast<int>(used)};
      });

      EXPECT_FALSE(seen.leaked);
      seen.ended.started ? ++successes : ++failures;
      if (seen.ended.started) {
        EXPECT_EQ(seen.ended, exited(3));
      } else {
        EXPECT_EQ(seen.ended.code, EMFILE);
        EXPECT_LE(seen.ended.stage, Stage::clone);
      }
    }
    EXPECT_GT(failures, 0);
    EXPECT_GT(successes, 0);
  }
}

}  // namespace
}  // namespace nsgate::test
