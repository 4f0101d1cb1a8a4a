// SPDX-License-Identifier: Apache-2.0
//
// The userland's ip(8) says the same of the same namespaces as core does.
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
#include <set>
#include <sstream>
#include <string>
#include <vector>

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

namespace nsgate::test {
namespace {

using ::testing::AllOf;
using ::testing::Each;

ToolRun ip(std::vector<std::string> words) {
  words.insert(words.begin(), "ip");
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
