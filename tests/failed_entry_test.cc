// SPDX-License-Identifier: Apache-2.0
//
// A failed entry leaves no trace, wherever it fails.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <vector>

#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/capabilities.h"
#include "support/ended.h"
#include "support/joins.h"
#include "support/namespaces.h"
#include "support/process_state.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

struct Failure {
  const char* what;
  Ended expected;
  std::function<Ended()> attempt;
};

TEST(Entry, FailureLeavesNoTraceInTheCaller) {
  BEHAVIOUR("CP12");
  REQUIRES(userns);
  const UserScratch own;
  const ParkedProcess net_of_caller([] { return unshare_mapped(CLONE_NEWUSER); });
  const NamespaceFiles files(own);
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Command no_such_program{.argv = {"/no/such/program"}};
  const auto thread = [](const Target& target) {
    return [=] { return how_it_ended(in_netns(target, [] {})); };
  };
  const auto exec = [&](const Target& target) {
    return [=] { return how_it_ended(exec_in_netns(target, no_such_program)); };
  };
  const auto user = [&](const UserTarget& target, Plan plan = Plan::automatic) {
    return [=] { return how_it_ended(exec_in_user_netns(target, no_such_program, plan)); };
  };
  const auto no_such_path = Target::path("/no/such/namespace");
  const auto no_descriptor = Target::descriptor(-1);
  const auto no_namespace = Target::descriptor(null.get());
  const auto wrong_kind = Target::descriptor(files.user.get());
  const auto out_of_reach = Target::descriptor(files.net.get());
  const std::vector<Failure> failures{
      {"in_netns of no path", refused(Stage::open, ENOENT), thread(no_such_path)},
      {"in_netns of no descriptor", refused(Stage::open, EBADF), thread(no_descriptor)},
      {"in_netns of no namespace", refused(Stage::open, EINVAL), thread(no_namespace)},
      {"in_netns of a userns", refused(Stage::open, EINVAL), thread(wrong_kind)},
      {"in_netns without rights", refused(Stage::setns_net, EPERM), thread(out_of_reach)},
      {"exec_in_netns of no path", refused(Stage::open, ENOENT), exec(no_such_path)},
      {"exec_in_netns of no descriptor", refused(Stage::open, EBADF), exec(no_descriptor)},
      {"exec_in_netns of no namespace", refused(Stage::open, EINVAL), exec(no_namespace)},
      {"exec_in_netns of a userns", refused(Stage::open, EINVAL), exec(wrong_kind)},
      {"exec_in_netns without rights", refused(Stage::setns_net, EPERM), exec(out_of_reach)},
      {"exec_in_user_netns of oneself", refused(Stage::setns_net, EPERM),
       [&] { return user(UserTarget::process(::getpid()))(); }},
      {"exec_in_user_netns of oneself, in sequence", refused(Stage::setns_user, EINVAL),
       [&] { return user(UserTarget::process(::getpid()), Plan::sequential)(); }},
      {"exec_in_user_netns of no userns", refused(Stage::open, EINVAL),
       user(UserTarget::descriptors({.user = files.net.get(), .net = files.net.get()}))},
      {"exec_in_user_netns of no descriptor", refused(Stage::open, EBADF),
       user(UserTarget::descriptors({.user = files.user.get(), .net = -1}))},
      {"exec_in_user_netns without rights to the netns", refused(Stage::setns_both, EPERM),
       user(UserTarget::process(net_of_caller.pid()))},
      {"exec_in_user_netns without rights to the netns, in sequence",
       refused(Stage::setns_net, EPERM),
       user(UserTarget::process(net_of_caller.pid()), Plan::sequential)},
      {"exec_in_user_netns of no program", refused(Stage::exec, ENOENT),
       user(UserTarget::process(own.pid()))},
  };
  struct Answer {
    Ended ended;
    bool unchanged;
  };

  for (const auto& failure : failures) {
    SCOPED_TRACE(failure.what);
    const auto answer = answer_of_child([&]() -> Answer {
      if (const int error = keep_capabilities(0); error != 0) return {exited(error), false};
      const ProcessState before;
      const Ended ended = failure.attempt();
      return {ended, ProcessState() == before};
    });
    EXPECT_EQ(answer.ended, failure.expected);
    EXPECT_TRUE(answer.unchanged);
  }
}

}  // namespace
}  // namespace nsgate::test
