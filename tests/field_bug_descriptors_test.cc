// SPDX-License-Identifier: Apache-2.0
//
// Bugs of the field, about descriptors that go where they should not. As in
// field_bug_threads_test.cc, each test holds the mistake and a check that finds it.
//
// Of CVE-2019-5736 only the descriptor is here: its other half, a container that overwrites
// /proc/self/exe of the one who enters, needs a mount namespace that is joined.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "field_bugs/hooked_command.h"
#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/child_output.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/line.h"
#include "support/namespaces.h"
#include "support/netns_watch.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"
#include "support/system_calls.h"
#include "support/thread_state.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

/// How many descriptors more a program has that somebody else starts while `open()` is held. The
/// other is a library that knows nothing of namespaces: it forks and executes.
template <typename Open>
long more_descriptors_of_a_program_started_meanwhile(Open open) {
  const auto count = [program = helper()] {
    const auto child =
        output_of_child([&] { return ::execl(program.c_str(), "helper", "fds", nullptr); });
    return std::ranges::count(child.out, '\n');
  };
  const auto before = count();
  [[maybe_unused]] const auto held = open();
  return count() - before;
}

// vishvananda/netns PR#43 (moby/moby#41136).
TEST(FieldBug, ProgramThatAnotherThreadStartsHasTheDescriptorOfTheNamespace) {
  BEHAVIOUR("FD02");
  const std::string file = "/proc/self/ns/net";
  const auto with_core = [](const Target& target) {
    return more_descriptors_of_a_program_started_meanwhile([&] { return Netns::open(target); });
  };

  EXPECT_EQ(more_descriptors_of_a_program_started_meanwhile(
                [&] { return Fd(::open(file.c_str(), O_RDONLY)); }),
            1);
  EXPECT_THAT(
      (std::array{with_core(Target::process(::getpid())), with_core(Target::path(file)),
                  with_core(Target::thread(::getpid(), ::gettid())), with_core(Target::current())}),
      Each(0));
}

using Runner = Ended (*)(const std::vector<std::string>& argv);

/// Each enters the namespace that the caller is in and has all rights over.
Ended run_by_core(const std::vector<std::string>& argv) {
  return how_it_ended(exec_in_netns(Target::current(), {.argv = argv}));
}

int join_own() {
  const Fd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  return setns_error(own.get(), CLONE_NEWNET);
}

/// The mistake: what the caller or a library of it has open is nobody's business.
Ended run_and_close_nothing(const std::vector<std::string>& argv) {
  return run_hooked(argv, &join_own);
}

/// A program that goes by a directory that its caller has open.
Ended reach_a_file_of_the_callers(Runner run) {
  return answer_of_owner([=] {
    const ScratchDirectory directory;
    (void)directory.file("secret", "");
    const Fd fd(::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY));
    return run({helper(), "file", "/proc/self/fd/" + std::to_string(fd.get()) + "/secret"});
  });
}

// CVE-2024-21626 (opencontainers/runc GHSA-xr7r-f8xq-vfvv), CVE-2019-5736, urunc#673, #634 and
// #609, kata-containers#13049.
TEST(FieldBug, ProgramReachesFilesByADirectoryThatItsCallerLeftOpen) {
  BEHAVIOUR("FD01 FD10");
  REQUIRES(own_netns);
  EXPECT_EQ(reach_a_file_of_the_callers(&run_and_close_nothing), exited(0));
  EXPECT_EQ(reach_a_file_of_the_callers(&run_by_core), exited(helper_system));
}

/// The mistake: the pipe that tells the parent of a failure is a descriptor too.
Ended run_and_close_everything(const std::vector<std::string>& argv) {
  return run_hooked(argv, [] {
    const int error = join_own();
    return error != 0 ? error : error_of(static_cast<int>(::syscall(SYS_close_range, 3, ~0u, 0)));
  });
}

// wezterm PR#7743 and #7742.
TEST(FieldBug, ProgramThatCouldNotBeExecutedCountsAsStarted) {
  BEHAVIOUR("FD06");
  REQUIRES(own_netns);
  const auto no_such_program = [](Runner run) {
    return answer_of_owner([=] { return run({"/no/such/program"}); });
  };
  EXPECT_EQ(no_such_program(&run_and_close_everything), exited(1));
  EXPECT_EQ(no_such_program(&run_by_core), refused(Stage::exec, ENOENT));
}

/// Leaves a program behind that runs as long as the line is open.
using StartProxy = void (*)(const Line& line);

/// The mistake: the program gets the sockets that a library made in other namespaces.
void start_proxy_with_all_sockets(const Line& line) {
  (void)run_hooked({helper(), "linger"}, [&] {
    const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    ::dup2(line.far.get(), STDIN_FILENO);
    ::dup2(null.get(), STDOUT_FILENO);
    return 0;
  });
}

void start_proxy_by_core(const Line& line) {
  (void)exec_in_netns(Target::current(),
                      {.argv = {helper(), "linger"}, .stdin_fd = line.far.get()});
}

struct ProxyLife {
  bool lives;          ///< when the namespace was looked at
  bool ended_before;   ///< the namespace, while the proxy lived
  bool ended_at_last;  ///< the namespace, with the proxy
  friend bool operator==(const ProxyLife&, const ProxyLife&) = default;
};
void PrintTo(const ProxyLife& life, std::ostream* out) {
  *out << (life.lives ? "lives" : "has ended") << ", the namespace "
       << (life.ended_before    ? "ends before it"
           : life.ended_at_last ? "ends with it"
                                : "stays");
}

/// The kernel lets go of a closed netlink socket after an RCU grace period.
bool ends_soon(const NetnsWatch& watch) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (watch.alive()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::sched_yield();
  }
  return true;
}

/// A namespace in which the caller had a socket for a while, and started a program meanwhile.
ProxyLife life_of_a_namespace_beside(StartProxy start) {
  return answer_of_owner([=] {
    ScratchNetns other;
    const NetnsWatch watch(other.open("ns/net"));
    Line line;
    {
      const auto socket = in_netns(Target::process(other.pid()),
                                   [] { return Fd(::socket(AF_NETLINK, SOCK_RAW, 0)); });
      wait_until_single_threaded();
      start(line);
    }
    ProxyLife seen{};
    seen.lives = line.read_pid() > 0;
    other.reap();
    seen.ended_before = ends_soon(watch);
    // The proxy's stdin ends.
    line.near.reset();
    seen.ended_at_last = watch.sees_end();
    return seen;
  });
}

// moby/moby#32090; pyroute2#697, #578, #826 and #257.
TEST(FieldBug, SocketOfALibraryThatAProgramHasKeepsTheNamespaceAlive) {
  BEHAVIOUR("FD11 LT03");
  REQUIRES(own_netns);
  EXPECT_EQ(life_of_a_namespace_beside(&start_proxy_with_all_sockets),
            (ProxyLife{.lives = true, .ended_before = false, .ended_at_last = true}));
  EXPECT_EQ(life_of_a_namespace_beside(&start_proxy_by_core),
            (ProxyLife{.lives = true, .ended_before = true, .ended_at_last = true}));
}

}  // namespace
}  // namespace nsgate::test
