// SPDX-License-Identifier: Apache-2.0
//
// nsgate-enter: becomes a program inside a network namespace, in place of nsenter -n and ip netns
// exec.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <map>

#include "enter/explain.h"
#include "enter/request.h"
#include "nsgate/exec.h"
#include "nsgate/version.h"

namespace nsgate::enter {
namespace {

constexpr int could_not_enter = 125;  // as env(1) says it of itself
const std::string targets = "TARGET";

struct Arguments {
  std::optional<pid_t> pid;
  std::optional<pid_t> thread;
  std::optional<int> pidfd;
  std::optional<std::string> name;
  std::optional<std::string> path;
  std::optional<int> descriptor;
  std::optional<int> socket;
  bool user = false;
  std::optional<Plan> plan;
  bool verbose = false;
  Command command;
};

void describe(CLI::App& app, Arguments& arguments) {
  app.set_version_flag("--version", std::string("nsgate-enter ") + version());
  app.prefix_command();
  app.footer(
      "PROGRAM takes the place of nsgate-enter, so that its exit code and signals are its own;\n"
      "without one it is $SHELL. 125: the namespace could not be entered, and stderr says why;\n"
      "126: the program could not be executed; 127: it was not found. It has 0, 1 and 2 and no\n"
      "other descriptor, no signal blocked, and ignores those that are ignored, SIGPIPE excepted.\n"
      "/sys stays the caller's.\n\n"
      "  nsgate-enter --pid 4711 ip -br address\n"
      "  nsgate-enter --pid 4711 --user nft list ruleset     a rootless container\n"
      "  nsgate-enter --name blue -- ss -tln                 a namespace of ip-netns(8)");
  // Not an option group: CLI11 takes an empty argument for the name of one.
  const auto target = [&](const char* name, auto& value, const char* what) {
    app.add_option(name, value, what)->group(targets);
  };
  target("--pid,-t", arguments.pid, "the network namespace of a process");
  target("--pidfd", arguments.pidfd, "the same, by an inherited pidfd");
  target("--name", arguments.name, "a name under /run/netns, never a pid");
  target("--path", arguments.path, "a namespace file");
  target("--fd", arguments.descriptor, "an inherited namespace file");
  target("--socket", arguments.socket, "the network namespace of an inherited socket");
  app.add_option("--thread", arguments.thread, "that of one thread of --pid")->needs("--pid");
  app.add_flag(
      "--user,-U", arguments.user,
      "join the user namespace as well: the process's own, or else the owner of the network "
      "namespace");
  const std::map<std::string, Plan> plans{{"automatic", Plan::automatic},
                                          {"sequential", Plan::sequential},
                                          {"one-shot", Plan::one_shot},
                                          {"owner-aware", Plan::owner_aware}};
  app.add_option("--plan", arguments.plan, "how both are joined; means --user")
      ->transform(CLI::CheckedTransformer(plans))
      ->option_text("automatic|sequential|one-shot|owner-aware");
  app.add_flag("--preserve-credentials", arguments.command.preserve_credentials,
               "with --user: do not become root inside");
  app.add_option("--wd", arguments.command.directory, "the working directory of the program");
  app.add_flag("--no-new-privs", arguments.command.no_new_privs, "PR_SET_NO_NEW_PRIVS");
  app.add_flag("--verbose,-v", arguments.verbose,
               "with --user: say on stderr which plan was taken, and why");
}

/// Throws CLI::ParseError.
std::vector<std::string> parse(CLI::App& app, int argc, char** argv) {
  app.parse(argc, argv);
  const auto is_target = [](const CLI::Option* option) {
    return option->get_group() == targets && option->count() > 0;
  };
  if (app.get_options(is_target).size() != 1) throw CLI::RequiredError("one " + targets);
  auto program = app.remaining();
  if (!program.empty() && program.front() == "--") {
    program.erase(program.begin());
  } else if (!program.empty() && program.front().starts_with('-')) {
    throw CLI::ExtrasError({program.front()});
  }
  if (program.empty()) {
    const char* shell = std::getenv("SHELL");
    program = {shell != nullptr && *shell != '\0' ? shell : "/bin/sh"};
  }
  return program;
}

Target target_of(const Arguments& arguments) {
  if (arguments.thread) return Target::thread(*arguments.pid, *arguments.thread);
  if (arguments.pid) return Target::process(*arguments.pid);
  if (arguments.pidfd) return Target::pidfd(*arguments.pidfd);
  if (arguments.name) return Target::name(*arguments.name);
  if (arguments.path) return Target::path(*arguments.path);
  if (arguments.socket) return Target::socket(*arguments.socket);
  return Target::descriptor(*arguments.descriptor);
}

Request request_of(const Arguments& arguments) {
  const Target net = target_of(arguments);
  UserTarget both = UserTarget::owned(net);
  if (arguments.thread) {
    both = UserTarget::thread(*arguments.pid, *arguments.thread);
  } else if (arguments.pid) {
    both = UserTarget::process(*arguments.pid);
  } else if (arguments.pidfd) {
    both = UserTarget::pidfd(*arguments.pidfd);
  }
  std::optional<Plan> plan = arguments.plan;
  if (!plan && arguments.user) plan = Plan::automatic;
  return {net, both, plan};
}

struct Failure {
  Error error;
  std::string why;
};

/// Returns only on failure.
Failure become(const Request& request, const Arguments& arguments) {
  if (!request.plan) {
    Error error = become_in_netns(request.net, arguments.command);
    std::string why = explain(request, error);
    return {std::move(error), std::move(why)};
  }
  std::string why;
  if (const auto both = UserNetns::open(request.both, *request.plan)) {
    if (arguments.verbose) {
      std::cerr << "nsgate-enter: plan " << to_string(both->plan()) << ": " << both->why() << '\n';
    }
    // Half of the steps could not be taken back, and then nothing could be explained.
    if (both->steps().size() > 1 && !can_join(both->steps())) why = explain_refusal(request);
  }
  Error error = become_in_user_netns(request.both, arguments.command, *request.plan);
  if (why.empty()) why = explain(request, error);
  return {std::move(error), std::move(why)};
}

}  // namespace
}  // namespace nsgate::enter

int main(int argc, char** argv) {
  using namespace nsgate;
  using namespace nsgate::enter;
  Arguments arguments;
  CLI::App app(
      "Becomes a program in a network namespace, and in a user namespace as well:\n"
      "nsgate-enter TARGET [OPTIONS] [--] [PROGRAM [ARGUMENT...]]");
  describe(app, arguments);
  try {
    arguments.command.argv = parse(app, argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : could_not_enter;
  }
  const auto [error, why] = become(request_of(arguments), arguments);
  std::cerr << "nsgate-enter: " << error.message() << (why.empty() ? "" : "; ") << why << '\n';
  return exit_code(std::unexpected(error));
}
