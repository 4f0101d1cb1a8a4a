// SPDX-License-Identifier: Apache-2.0
//
// The userland's own tools say the same of the same namespaces as core does.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <ostream>
#include <set>
#include <sstream>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/socket_netns.h"
#include "support/tools.h"
#include "support/user_trees.h"

namespace nsgate::test {
namespace {

using ::testing::AllOf;
using ::testing::Each;

ToolRun ip(std::vector<std::string> words) {
  words.insert(words.begin(), "ip");
  return run_tool(words);
}

/// `nsenter -t PID FLAGS… COMMAND…`.
ToolRun nsenter(pid_t pid, std::vector<std::string> words) {
  words.insert(words.begin(), {"nsenter", "-t", std::to_string(pid)});
  return run_tool(words);
}

/// For a child that owns its namespaces: `ip netns add NAME` in a /run of its own.
void must_add(const char* name) {
  const auto added = ip({"netns", "add", name});
  if (!added.succeeded()) throw std::runtime_error("ip netns add: " + added.text);
}

NamespaceId id_of_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? NamespaceId{status.st_dev, status.st_ino}
                                            : NamespaceId{};
}

std::uint64_t current_cookie() {
  return cookie_of_socket(Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))).value_or(0);
}

std::set<std::string> current_links() {
  std::set<std::string> names;
  const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> links(
      ::if_nameindex(), &::if_freenameindex);
  for (const auto* link = links.get(); link != nullptr && link->if_index != 0; ++link) {
    names.insert(link->if_name);
  }
  return names;
}

/// The names in `ip -o link`: "1: lo: <LOOPBACK> mtu …", and "tunl0@NONE: …" of those with a peer.
std::set<std::string> links_in(const std::string& listing) {
  std::set<std::string> names;
  std::istringstream lines(listing);
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.find(": ") + 2;
    names.insert(line.substr(begin, line.find_first_of(":@", begin) - begin));
  }
  return names;
}

TEST(CrossCheck, NameThatIpAddedLeadsToItsNamespace) {
  BEHAVIOUR("TR22");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId own, file, by_ip;
    Arrivals arrivals;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    must_add("blue");
    return Seen{
        .own = current_netns(),
        .file = id_of_file("/run/netns/blue"),
        .by_ip = ip({"netns", "exec", "blue", helper(), "netns"}).id(),
        .arrivals = enter_all_ways(Target::name("blue"), UserTarget::owned(Target::name("blue")))};
  });

  EXPECT_NE(seen.by_ip, seen.own);
  EXPECT_EQ(seen.by_ip, seen.file);
  EXPECT_THAT(seen.arrivals, Each(arrival_in(seen.by_ip)));
}

TEST(CrossCheck, CookieIsThatOfAProgramThatIpExecuted) {
  BEHAVIOUR("TR26");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    std::uint64_t own, by_name, by_pid;
    bool known;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    must_add("blue");
    const ToldProgram program({"ip", "netns", "exec", "blue", helper(), "stop", "0"});
    const auto own = current_cookie();
    return Seen{.own = own,
                .by_name = in_netns(Target::name("blue"), current_cookie).value_or(1),
                .by_pid = in_netns(Target::process(program.pid()), current_cookie).value_or(2),
                .known = own != 0};
  });

  EXPECT_EQ(seen.by_name, seen.by_pid);
  // Linux before 5.14 has no cookie, and then all are 0 (Netns.CookieIsThereSinceLinux514).
  if (seen.known) {
    EXPECT_NE(seen.by_name, seen.own);
  }
}

TEST(CrossCheck, IpAndCoreSeeTheSameInterfaces) {
  BEHAVIOUR("TR22");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    bool fresh, renamed_by_ip, renamed_by_core, has_core0;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    must_add("blue");
    const auto agree = [] {
      const auto listing = ip({"-n", "blue", "-o", "link"});
      const auto by_core = in_netns(Target::name("blue"), current_links);
      return by_core && !by_core->empty() && links_in(listing.text) == *by_core;
    };
    Seen answer{};
    answer.fresh = agree();
    answer.renamed_by_ip =
        ip({"-n", "blue", "link", "set", "dev", "lo", "name", "ip0"}).succeeded() && agree();
    const auto renamed = in_netns(Target::name("blue"), [] {
      return ip({"link", "set", "dev", "ip0", "name", "core0"}).exit_code;
    });
    answer.renamed_by_core = renamed && *renamed == 0 && agree();
    answer.has_core0 = links_in(ip({"-n", "blue", "-o", "link"}).text).contains("core0");
    return answer;
  });

  EXPECT_TRUE(seen.fresh);
  EXPECT_TRUE(seen.renamed_by_ip);
  EXPECT_TRUE(seen.renamed_by_core);
  EXPECT_TRUE(seen.has_core0);
}

TEST(CrossCheck, IpIdentifiesWhereCoreExecutesAProgram) {
  BEHAVIOUR("EX01");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    bool before, in_blue, in_red, after;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    must_add("blue");
    must_add("red");
    const Command identify{.argv = {"ip", "netns", "identify"}};
    const auto says = [](const Result<Finished>& ended, const char* text) {
      return ended && ended->succeeded() && ended->out == text;
    };
    const auto here = [] { return ip({"netns", "identify"}).text == "\n"; };
    Seen answer{};
    answer.before = here();
    answer.in_blue = says(exec_in_netns(Target::name("blue"), identify), "blue\n");
    answer.in_red =
        says(exec_in_user_netns(UserTarget::owned(Target::name("red")), identify), "red\n");
    answer.after = here();
    return answer;
  });

  EXPECT_TRUE(seen.before);
  EXPECT_TRUE(seen.in_blue);
  EXPECT_TRUE(seen.in_red);
  EXPECT_TRUE(seen.after);
}

TEST(CrossCheck, IpIdentifiesTheWorkerAndNotItsProcess) {
  BEHAVIOUR("TH02");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    bool worker_in_blue, process_elsewhere, process_listed;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    must_add("blue");
    const auto process = std::to_string(::getpid());
    const auto asked = in_netns(Target::name("blue"), [&process] {
      const auto worker = std::to_string(::gettid());
      const auto listed = ip({"netns", "pids", "blue"}).text;
      return Seen{.worker_in_blue = ip({"netns", "identify", worker}).text == "blue\n",
                  .process_elsewhere = ip({"netns", "identify", process}).text == "\n",
                  .process_listed = ('\n' + listed).contains('\n' + process + '\n')};
    });
    return asked.value_or(Seen{});
  });

  EXPECT_TRUE(seen.worker_in_blue);
  EXPECT_TRUE(seen.process_elsewhere);
  EXPECT_FALSE(seen.process_listed);
}

TEST(CrossCheck, IpFindsTheNameAndThePidsOfWhatTheCallerMade) {
  BEHAVIOUR("TR22");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId process, by_ip;
    bool identified, listed, unlisted;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const ScratchNetns process;
    const ScratchNetns other;
    const NamedNetns named("green", process.open("ns/net"));
    const auto line = [](pid_t pid) { return '\n' + std::to_string(pid) + '\n'; };
    const auto pids = '\n' + ip({"netns", "pids", "green"}).text;
    return Seen{
        .process = process.id(),
        .by_ip = ip({"netns", "exec", "green", helper(), "netns"}).id(),
        .identified = ip({"netns", "identify", std::to_string(process.pid())}).text == "green\n",
        .listed = pids.contains(line(process.pid())),
        .unlisted = !pids.contains(line(other.pid()))};
  });

  EXPECT_EQ(seen.by_ip, seen.process);
  EXPECT_TRUE(seen.identified);
  EXPECT_TRUE(seen.listed);
  EXPECT_TRUE(seen.unlisted);
}

TEST(CrossCheck, NameThatIpAttachedToAProcessLeadsWhereThePidDoes) {
  BEHAVIOUR("TR22");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId process;
    Arrivals by_name, by_pid;
    int attached;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const ScratchNetns process;
    const auto attached = ip({"netns", "attach", "red", std::to_string(process.pid())});
    const auto enter = [](const Target& target) {
      return enter_all_ways(target, UserTarget::owned(target));
    };
    return Seen{.process = process.id(),
                .by_name = enter(Target::name("red")),
                .by_pid = enter(Target::process(process.pid())),
                .attached = attached.exit_code};
  });

  EXPECT_EQ(seen.attached, 0);
  EXPECT_THAT(seen.by_name, Each(arrival_in(seen.process)));
  EXPECT_THAT(seen.by_pid, Each(arrival_in(seen.process)));
}

TEST(CrossCheck, NameThatIpDeletedIsGoneForBothAndADescriptorIsGood) {
  BEHAVIOUR("TR22 TR26");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId before, by_descriptor;
    Ended core;
    bool ip_refused;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    must_add("blue");
    const auto open = Netns::open(Target::name("blue"));
    Seen answer{};
    answer.before = id_of_file("/run/netns/blue");
    ip({"netns", "delete", "blue"});
    answer.by_descriptor =
        in_netns(Target::descriptor(open->fd()), current_netns).value_or(NamespaceId{});
    answer.core = how_it_ended(in_netns(Target::name("blue"), [] {}));
    answer.ip_refused = !ip({"netns", "exec", "blue", helper(), "exit", "0"}).succeeded();
    return answer;
  });

  EXPECT_EQ(seen.by_descriptor, seen.before);
  EXPECT_EQ(seen.core, refused(Stage::open, ENOENT));
  EXPECT_TRUE(seen.ip_refused);
}

TEST(CrossCheck, PlaceholderIsRefusedByBoth) {
  BEHAVIOUR("TR24");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    Ended core;
    bool ip_refused, nsenter_refused;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    must_add("blue");
    ::umount2("/run/netns/blue", MNT_DETACH);
    return Seen{
        .core = how_it_ended(in_netns(Target::name("blue"), [] {})),
        .ip_refused = !ip({"netns", "exec", "blue", helper(), "exit", "0"}).succeeded(),
        .nsenter_refused =
            !run_tool({"nsenter", "--net=/run/netns/blue", helper(), "exit", "0"}).succeeded()};
  });

  EXPECT_EQ(seen.core, refused(Stage::open, EINVAL));
  EXPECT_TRUE(seen.ip_refused);
  EXPECT_TRUE(seen.nsenter_refused);
}

/// Where nsenter and core lead, or that they do not.
struct Compared {
  NamespaceId net_by_tool, net_by_core;
  NamespaceId user_by_tool, user_by_core;
  int tool, core;  ///< exit codes, as of a wrapper
};

std::ostream& operator<<(std::ostream& out, const Compared& seen) {
  return out << "the tool exits with " << seen.tool << " and is in " << seen.net_by_tool << " of "
             << seen.user_by_tool << "; core exits with " << seen.core << " and is in "
             << seen.net_by_core << " of " << seen.user_by_core;
}

MATCHER(Agree, "both lead to the same namespaces, or both refuse") {
  return (arg.tool == 0) == (arg.core == 0) && arg.net_by_tool == arg.net_by_core &&
         arg.user_by_tool == arg.user_by_core;
}
MATCHER(Succeeded, "both succeed") { return arg.tool == 0 && arg.core == 0; }
MATCHER(Refused, "both refuse") { return arg.tool != 0 && arg.core != 0; }

Compared compare_net(pid_t pid) {
  const auto target = Target::process(pid);
  const auto tool = nsenter(pid, {"-n", helper(), "netns"});
  const auto core = exec_in_netns(target, {.argv = {helper(), "netns"}});
  return {.net_by_tool = tool.id(),
          .net_by_core = printed_id(core),
          .user_by_tool = nsenter(pid, {"-n", helper(), "userns"}).id(),
          .user_by_core = printed_id(exec_in_netns(target, {.argv = {helper(), "userns"}})),
          .tool = tool.exit_code,
          .core = exit_code(core)};
}

/// Without it nsenter gives up where setgroups(2) is denied, which is in every user namespace that
/// its owner mapped without privilege (user_namespaces(7)); core leaves the groups then.
constexpr const char* keep_ids = "--preserve-credentials";

Compared compare_user_net(pid_t pid) {
  const auto target = UserTarget::process(pid);
  const auto tool = nsenter(pid, {"-U", "-n", keep_ids, helper(), "netns"});
  const auto core = exec_in_user_netns(target, {.argv = {helper(), "netns"}});
  return {.net_by_tool = tool.id(),
          .net_by_core = printed_id(core),
          .user_by_tool = nsenter(pid, {"-U", "-n", keep_ids, helper(), "userns"}).id(),
          .user_by_core = printed_id(exec_in_user_netns(target, {.argv = {helper(), "userns"}})),
          .tool = tool.exit_code,
          .core = exit_code(core)};
}

TEST(CrossCheck, NsenterAndCoreReachTheNetnsOfAPid) {
  BEHAVIOUR("TR15");
  REQUIRES(tools);
  REQUIRES(own_netns);

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const ParkedProcess neighbour([] { return 0; });
    return std::array{compare_net(other.pid()), compare_net(neighbour.pid())};
  });

  EXPECT_THAT(seen, Each(AllOf(Agree(), Succeeded())));
  EXPECT_NE(seen[0].net_by_core, seen[1].net_by_core);
}

TEST(CrossCheck, NsenterAndCoreRefuseWhatIsNoProcess) {
  BEHAVIOUR("TR15");
  REQUIRES(tools);
  REQUIRES(own_netns);

  const auto seen = answer_of_owner([] {
    ScratchNetns zombie;
    zombie.make_zombie();
    constexpr pid_t nobodys = 2147483647;
    return std::array{compare_net(zombie.pid()), compare_net(nobodys),
                      compare_user_net(zombie.pid()), compare_user_net(nobodys)};
  });

  EXPECT_THAT(seen, Each(AllOf(Agree(), Refused())));
}

TEST(CrossCheck, NsenterAndCoreRefuseTheUnprivileged) {
  BEHAVIOUR("TR15 UN01");
  REQUIRES(tools);
  REQUIRES(own_netns);
  struct Seen {
    int unprivileged;
    Compared net;
    Compared into_roots;
  };
  const OwnScratch own;
  const auto pid = own.pid();

  const auto seen = answer_of_child([pid] {
    return Seen{.unprivileged = become_unprivileged(),
                .net = compare_net(pid),
                .into_roots = compare_user_net(1)};
  });

  EXPECT_EQ(seen.unprivileged, 0);
  EXPECT_THAT(seen.net, AllOf(Agree(), Refused()));
  EXPECT_THAT(seen.into_roots, AllOf(Agree(), Refused()));
}

TEST(CrossCheck, NsenterAndCoreReachWhatUnshareMade) {
  BEHAVIOUR("UN01");
  REQUIRES(tools);
  REQUIRES(userns);
  const ToldProgram other({"unshare", "-Urn", helper(), "stop", "0"});

  const auto seen = compare_user_net(other.pid());

  EXPECT_THAT(seen, AllOf(Agree(), Succeeded()));
  EXPECT_EQ(seen.net_by_core, netns_of(other.pid()));
  EXPECT_NE(seen.user_by_core, current_userns());
}

TEST(CrossCheck, NsenterAndCoreAreTheSameUserInsideWhatUnshareMade) {
  BEHAVIOUR("UN11");
  REQUIRES(tools);
  REQUIRES(userns);
  const ToldProgram other({"unshare", "-Urn", helper(), "stop", "0"});
  const std::vector<std::string> ids{helper(), "ids"};
  const std::vector<std::string> capabilities{helper(), "status", "CapEff", "CapPrm", "CapInh"};

  for (const auto& words : {ids, capabilities}) {
    auto flags = std::vector<std::string>{"-U", "-n", keep_ids};
    flags.insert(flags.end(), words.begin(), words.end());
    EXPECT_THAT(exec_in_user_netns(UserTarget::process(other.pid()), {.argv = words}),
                Prints(nsenter(other.pid(), flags).text));
  }
}

TEST(CrossCheck, CoreEntersWhereNsenterGivesUpOverGroups) {
  BEHAVIOUR("UN11");
  REQUIRES(rootless);
  REQUIRES(tools);
  const ToldProgram other({"unshare", "-Urn", helper(), "stop", "0"});

  const auto tool = nsenter(other.pid(), {"-U", "-n", helper(), "netns"});
  const auto core =
      exec_in_user_netns(UserTarget::process(other.pid()), {.argv = {helper(), "netns"}});

  EXPECT_EQ(printed_id(core), netns_of(other.pid()));
  // It refuses for this reason or, should a newer one learn it, does the same.
  EXPECT_TRUE(tool.text.contains("setgroups") || tool.id() == printed_id(core)) << tool.text;
}

TEST(CrossCheck, NsenterAndCoreAgreeWhoeverOwnsTheNetns) {
  BEHAVIOUR("UN05");
  REQUIRES(tools);
  REQUIRES(userns);
  const std::array setups{&net_owned_by_user,     &net_owned_by_the_callers_own,
                          &net_owned_above_user,  &net_owned_below_user,
                          &net_owned_beside_user, &net_owned_beside_user_at_the_top};
  using Seen = std::array<Compared, 6>;

  const auto seen = answer_of_owner([&] {
    Seen answer{};
    for (std::size_t i = 0; i < setups.size(); ++i) {
      const ParkedProcess process(setups[i]);
      answer[i] = compare_user_net(process.pid());
    }
    return answer;
  });

  EXPECT_THAT(seen, Each(AllOf(Agree(), Succeeded())));
}

TEST(CrossCheck, NsenterAndCoreAgreeWhereTheUserNamespaceGivesTheRight) {
  BEHAVIOUR("UN05");
  REQUIRES(rootless);
  REQUIRES(tools);

  for (const auto& setup : {&net_owned_by_user, &net_owned_below_user}) {
    const ParkedProcess process(setup);
    EXPECT_THAT(compare_user_net(process.pid()), AllOf(Agree(), Succeeded()));
  }
  const ParkedProcess out_of_reach(&net_owned_by_the_callers_own);
  EXPECT_THAT(compare_user_net(out_of_reach.pid()), AllOf(Agree(), Refused()));
}

/// Only the rights of the network namespace's owner lead there, and nsenter joins what it was told
/// one by one (util-linux issue 1592).
TEST(CrossCheck, CoreEntersByTheOwnerWhereNsenterGivesUp) {
  BEHAVIOUR("UN05");
  REQUIRES(rootless);
  REQUIRES(tools);

  for (const auto& setup : {&net_owned_above_user, &net_owned_beside_user}) {
    const ParkedProcess process(setup);
    const auto seen = compare_user_net(process.pid());
    EXPECT_EQ(seen.core, 0) << seen;
    EXPECT_EQ(seen.net_by_core, netns_of(process.pid()));
    // It refuses or, should a newer one learn it, does the same.
    EXPECT_TRUE(seen.tool != 0 || seen.net_by_tool == seen.net_by_core) << seen;
  }
}

TEST(CrossCheck, ExitCodeOfIpNetnsExecIsCores) {
  BEHAVIOUR("EX05");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Codes {
    int by_ip, by_core;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    must_add("blue");
    const auto codes = [](const std::vector<std::string>& words) {
      std::vector<std::string> all{"netns", "exec", "blue"};
      all.insert(all.end(), words.begin(), words.end());
      return Codes{ip(all).exit_code,
                   exit_code(exec_in_netns(Target::name("blue"), {.argv = words}))};
    };
    return std::array{codes({helper(), "exit", "0"}), codes({helper(), "exit", "42"})};
  });

  EXPECT_EQ(seen[0].by_ip, 0);
  EXPECT_EQ(seen[0].by_core, 0);
  EXPECT_EQ(seen[1].by_ip, 42);
  EXPECT_EQ(seen[1].by_core, 42);
}

}  // namespace
}  // namespace nsgate::test
