// SPDX-License-Identifier: Apache-2.0
//
// Bugs of the field, about threads. Each test holds the mistake of its reports in a small form and
// one check for it, which must find the mistake and find core without it. So it proves at every run
// that it would see the bug.
//
// Not here: systemd#20563, NixOS/nixpkgs#50042 and #428554, wg-netns#29, names that are resolved by
// a daemon elsewhere (nscd, systemd-resolved). It takes such a daemon and a libc that asks it. That
// its socket is reached from any namespace is
// InNetns.PathNamesOfLocalSocketsAreReachedFromAnyNamespace.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <thread>

#include "field_bugs/hooked_command.h"
#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/capabilities.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/line.h"
#include "support/loopback.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/thread_state.h"

namespace nsgate::test {
namespace {

enum class Where { home, target, elsewhere };
void PrintTo(Where where, std::ostream* out) {
  *out << (where == Where::home ? "home" : where == Where::target ? "target" : "elsewhere");
}

using Closure = std::function<void()>;
using Enter = void (*)(const Fd& netns, const Closure& f);

void enter_by_core(const Fd& netns, const Closure& f) {
  (void)in_netns(Target::descriptor(netns.get()), f);
}

/// The mistake: the caller's own thread goes there and back, and nobody looks whether it came back.
void go_there_and_back(const Fd& netns, const Closure& f) {
  const Fd home(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (::setns(netns.get(), CLONE_NEWNET) != 0) return;
  f();
  [[maybe_unused]] const int ignored = ::setns(home.get(), CLONE_NEWNET);
}

/// Where `look` finds itself, told of the target's namespace.
Where where(const std::function<NamespaceId(const Fd& netns)>& look) {
  return answer_of_owner([&] {
    const ScratchNetns other;
    const auto home = current_netns();
    const auto found = look(other.open("ns/net"));
    return found == home ? Where::home : found == other.id() ? Where::target : Where::elsewhere;
  });
}

/// A thread that a runtime starts while the caller is inside. A runtime starts it from the thread
/// that needs it if that is one of its own, and what it does not know has no part in it.
Where where_a_thread_starts_meanwhile(Enter enter) {
  return where([=](const Fd& netns) {
    const auto own = std::this_thread::get_id();
    NamespaceId found{};
    const auto start = [&] { std::thread([&] { found = current_netns(); }).join(); };
    bool started = false;
    enter(netns, [&] {
      if (std::this_thread::get_id() != own) return;
      start();
      started = true;
    });
    if (!started) start();
    return found;
  });
}

// golang/go#20676, vishvananda/netns#17, #36, #60 and PR#1, moby/libnetwork#1113, PR#1115 and #566,
// containernetworking/cni#183, #176 and #211, weave#2842, antrea#1131.
TEST(FieldBug, ThreadThatTheRuntimeStartsMeanwhileIsInTheOtherNamespaceForGood) {
  BEHAVIOUR("TH05 TH08");
  REQUIRES(own_netns);
  EXPECT_EQ(where_a_thread_starts_meanwhile(&go_there_and_back), Where::target);
  EXPECT_EQ(where_a_thread_starts_meanwhile(&enter_by_core), Where::home);
}

/// The second of two jobs of one thread, of which the first enters and gives up the right to come
/// back.
Where where_the_next_job_of_the_thread_runs(Enter enter) {
  return where([=](const Fd& netns) {
    NamespaceId found{};
    std::thread([&] {
      enter(netns, [] { (void)drop_capability(CAP_SYS_ADMIN); });
      found = current_netns();
    }).join();
    return found;
  });
}

// ccfos/huatuo#631, containernetworking/plugins#1073, inspektor-gadget#5439.
TEST(FieldBug, ThreadOfThePoolStaysInTheOtherNamespace) {
  BEHAVIOUR("TH09 TH10");
  REQUIRES(own_netns);
  EXPECT_EQ(where_the_next_job_of_the_thread_runs(&go_there_and_back), Where::target);
  EXPECT_EQ(where_the_next_job_of_the_thread_runs(&enter_by_core), Where::home);
}

/// A child of the caller's.
void wait_until_stopped(pid_t pid) {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WEXITED | WNOWAIT | __WALL);
}

/// The mistake: a thread that starts programs and ends, as those of a pool do.
Ended run_from_a_thread_that_ends(const Fd& netns, const Line& line) {
  HookedChild program{};
  std::thread([&] {
    program = start_hooked({helper(), "stop", "7"}, [&] {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(line.far.get(), STDIN_FILENO);
      return ::setns(netns.get(), CLONE_NEWNET) == 0 ? 0 : errno;
    });
    wait_until_stopped(program.pid);
  }).join();
  wait_until_single_threaded();
  ::kill(program.pid, SIGCONT);
  return end_of(program);
}

Ended run_by_core(const Fd& netns, const Line& line) {
  std::thread other([&] {
    const pid_t pid = line.read_pid();
    wait_until_stopped(pid);
    ::kill(pid, SIGCONT);
  });
  const auto ended =
      exec_in_netns(Target::descriptor(netns.get()), {.argv = {helper(), "stop", "7"},
                                                      .stdin_fd = line.far.get(),
                                                      .parent_death_signal = SIGKILL});
  other.join();
  return how_it_ended(ended);
}

/// A program that is to die with its parent, which lives on.
Ended end_of_a_program_of_a_living_parent(Ended (*run)(const Fd& netns, const Line& line)) {
  return answer_of_owner([=] {
    const ScratchNetns other;
    const Line line;
    return run(other.open("ns/net"), line);
  });
}

// golang/go#27505 and #53365, containers/podman#17918, containers/buildah#4790, dagger#4886.
TEST(FieldBug, ProgramIsKilledWhenTheThreadThatStartedItEnds) {
  BEHAVIOUR("EX10");
  REQUIRES(own_netns);
  EXPECT_EQ(end_of_a_program_of_a_living_parent(&run_from_a_thread_that_ends),
            (Ended{true, Stage{}, 0, SIGKILL}));
  EXPECT_EQ(end_of_a_program_of_a_living_parent(&run_by_core), exited(7));
}

using Names = std::set<std::string>;

/// The mistake: sysfs shows the network namespace of who mounted it.
Names links_of_sysfs() {
  Names names;
  std::error_code ignored;
  for (const auto& link : std::filesystem::directory_iterator("/sys/class/net", ignored)) {
    names.insert(link.path().filename());
  }
  return names;
}

Names links_of_the_thread() {
  Names names;
  const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> links(
      ::if_nameindex(), &::if_freenameindex);
  for (const auto* link = links.get(); link != nullptr && link->if_index != 0; ++link) {
    names.insert(link->if_name);
  }
  return names;
}

enum class Listed { the_targets, what_was_listed_at_home, something_else };

/// What `list` says inside of a namespace whose only interface is called "blue".
Listed list_inside(Names (*list)()) {
  return answer_of_owner([=] {
    const ParkedProcess blue([] {
      if (const int error = unshare_mapped(CLONE_NEWNET); error != 0) return error;
      return rename_loopback("blue");
    });
    const auto at_home = list();
    const auto inside = in_netns(Target::process(blue.pid()), list);
    return inside == Names{"blue"} ? Listed::the_targets
           : inside == at_home     ? Listed::what_was_listed_at_home
                                   : Listed::something_else;
  });
}

// systemd#26422, #2741 and #28686, containers/podman#11887, lxc#1253.
TEST(FieldBug, InterfacesListedInsideAreThoseOfTheNamespaceThatWasLeft) {
  BEHAVIOUR("TH04");
  REQUIRES(own_netns);
  EXPECT_EQ(list_inside(&links_of_sysfs), Listed::what_was_listed_at_home);
  EXPECT_EQ(list_inside(&links_of_the_thread), Listed::the_targets);
}

}  // namespace
}  // namespace nsgate::test
