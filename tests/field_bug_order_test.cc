// SPDX-License-Identifier: Apache-2.0
//
// Bugs of the field, about what is done before what: namespaces joined, ids changed, files read. As
// in field_bug_threads_test.cc, each test holds the mistake and a check that finds it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <expected>
#include <sstream>
#include <string>
#include <vector>

#include "field_bugs/hooked_command.h"
#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/either_user.h"
#include "support/ended.h"
#include "support/joins.h"
#include "support/line.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"
#include "support/user_trees.h"

namespace nsgate::test {
namespace {

/// For a child. Returns 0 or an errno.
using Join = int (*)(const NamespaceFiles& files);

int join_by_core(const NamespaceFiles& files) {
  const auto both = UserNetns::open(UserTarget::pidfd(files.process.get()));
  if (!both) return both.error().code;
  for (const auto& step : both->steps()) {
    if (const int error = setns_error(step.fd, step.types); error != 0) return error;
  }
  return 0;
}

int join_user_first(const NamespaceFiles& files) {
  const int error = join_user(files);
  return error != 0 ? error : join_net(files);
}

int join_net_first(const NamespaceFiles& files) {
  const int error = join_net(files);
  return error != 0 ? error : join_user(files);
}

/// A process that was set up by `tree`, joined by somebody of the same user.
int join_process_of(int (*tree)(), Join join) {
  const ParkedProcess process(tree);
  const NamespaceFiles files(process);
  return answer_of_child([&] { return join(files); });
}

// util-linux/util-linux#1592, #1510 and #1006. The mistake: as `nsenter -U -n`, the user namespace
// of the process first, and with it all rights over the one that owns the network namespace.
TEST(FieldBug, ProcessInANestedUserNamespaceCannotBeEntered) {
  BEHAVIOUR("UN04");
  REQUIRES(userns);
  EXPECT_EQ(join_process_of(&net_owned_above_user, &join_user_first), EPERM);
  EXPECT_EQ(join_process_of(&net_owned_above_user, &join_by_core), 0);
}

/// For a child: an owner without any right outside of what it makes.
int become_ordinary() { return ::geteuid() == 0 ? become_user(1000) : 0; }

int join_rootless_container(Join join) {
  const ParkedProcess process([] {
    const int error = become_ordinary();
    return error != 0 ? error : net_owned_by_user();
  });
  return answer_of_child([&] {
    const int error = become_ordinary();
    return error != 0 ? error : join(NamespaceFiles(process));
  });
}

// opencontainers/runc#4390, #4490, PR#4491 and #4492. One fixed order is the mistake, whichever it
// is: this one shuts rootless users out,
TEST(FieldBug, RootlessContainerCannotBeEnteredByItsOwner) {
  BEHAVIOUR("UN01");
  REQUIRES(userns);
  EXPECT_EQ(join_rootless_container(&join_net_first), EPERM);
  EXPECT_EQ(join_rootless_container(&join_by_core), 0);
}

int join_host_network_container(Join join) {
  return answer_of_owner([=] { return join_process_of(&net_owned_by_the_callers_own, join); });
}

// and the other one shuts root out of a container that has a network namespace of root's.
TEST(FieldBug, ContainerOfAUserInANetworkOfRootsCannotBeEnteredByRoot) {
  BEHAVIOUR("UN03");
  REQUIRES(userns);
  EXPECT_EQ(join_host_network_container(&join_user_first), EPERM);
  EXPECT_EQ(join_host_network_container(&join_by_core), 0);
}

/// Whether a program that root runs in a rootless container may set an interface up there.
using RunInside = Ended (*)(const ParkedProcess& container, const Command& command);

/// The mistake: who joins a user namespace is not root inside by that, and execve(2) takes the
/// capabilities away from who is not.
Ended run_and_stay_who_one_was(const ParkedProcess& container, const Command& command) {
  const NamespaceFiles files(container);
  return run_hooked(command.argv, [&] { return join_user_first(files); });
}

Ended run_by_core(const ParkedProcess& container, const Command& command) {
  return how_it_ended(exec_in_user_netns(UserTarget::process(container.pid()), command));
}

Ended set_up_loopback_inside(RunInside run) {
  const UserScratch container(UserScratch::Map::owner_to_zero, 1000);
  return run(container, {.argv = {helper(), "up"}});
}

// opencontainers/runc#4466, PR#4473.
TEST(FieldBug, ProgramThatRootRunsInARootlessContainerHasNoRightsThere) {
  BEHAVIOUR("UN11");
  REQUIRES(root);
  REQUIRES(userns);
  EXPECT_EQ(set_up_loopback_inside(&run_and_stay_who_one_was), exited(EPERM));
  EXPECT_EQ(set_up_loopback_inside(&run_by_core), exited(0));
}

constexpr uid_t user = 1000;

/// Or an errno.
std::expected<std::string, int> environment_of(pid_t pid) {
  const auto path = "/proc/" + std::to_string(pid) + "/environ";
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::unexpected(errno);
  std::string text;
  char byte = 0;
  while (::read(file.get(), &byte, 1) == 1) text += byte;
  return text;
}

/// The mistake: the environment is read when the right to read it is gone.
Ended become_user_and_take_the_environment(pid_t pid) {
  return run_hooked({helper(), "env"}, [&] {
    if (const int error = become_user(user); error != 0) return error;
    const auto text = environment_of(pid);
    return text ? 0 : text.error();
  });
}

Ended take_the_environment_and_become_user(pid_t pid) {
  const auto text = environment_of(pid).value();
  std::vector<std::string> variables;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, '\0');) variables.push_back(word);
  const auto run = [&](const char* what) {
    return exec_in_netns(
        Target::process(pid),
        {.argv = {helper(), what}, .env = variables, .credentials = {{.uid = user, .gid = user}}});
  };
  const auto ids = run("ids");
  const auto ended = run("env");
  const bool both = ids && ids->out == "1000 1000 1000 1000\n" && ended && ended->out == text &&
                    variables == std::vector<std::string>{"OF=the target"};
  return ended && !both ? unknown_end() : how_it_ended(ended);
}

/// A program of an ordinary user, with the environment of root's process.
Ended run_with_its_environment(Ended (*run)(pid_t pid)) {
  Line line;
  const auto process = start_hooked({helper(), "stdin"}, [&] {
    ::clearenv();
    ::setenv("OF", "the target", 1);
    ::dup2(line.far.get(), STDIN_FILENO);
    return error_of(::unshare(CLONE_NEWNET));
  });
  // /proc tells what a program began with; exec ends the channel.
  int error = 0;
  if (::read(process.channel.get(), &error, sizeof error) != 0) return exited(error);
  const Ended ended = run(process.pid);
  line.near.reset();
  return end_of(process) == exited(0) ? ended : unknown_end();
}

// util-linux/util-linux#4558, PR#4592.
TEST(FieldBug, EnvironmentOfTheTargetCannotBeReadOnceTheIdsAreChanged) {
  BEHAVIOUR("SG08");
  REQUIRES(root);
  EXPECT_EQ(run_with_its_environment(&become_user_and_take_the_environment),
            refused(Stage::exec, EACCES));
  EXPECT_EQ(run_with_its_environment(&take_the_environment_and_become_user), exited(0));
}

}  // namespace
}  // namespace nsgate::test
