// SPDX-License-Identifier: Apache-2.0
//
// What `ip netns exec` does besides entering, and core does not: a mount namespace, a sysfs of the
// target, the files of /etc/netns. And what `ip netns add` makes of many who begin at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/own_etc.h"
#include "support/requirements.h"
#include "support/tools.h"

namespace nsgate::test {
namespace {

using Words = std::vector<std::string>;

/// What the words print as a program that `ip netns exec` starts, and as one that core does.
struct Printed {
  std::string by_ip;
  std::string by_core;
};

Printed print_in(const std::string& name, const Words& words) {
  Words by_ip{"ip", "netns", "exec", name};
  by_ip.insert(by_ip.end(), words.begin(), words.end());
  const auto ended = exec_in_netns(Target::name(name), {.argv = words});
  return {.by_ip = run_tool(by_ip).text, .by_core = ended ? ended->out : ended.error().message()};
}

TEST(CrossCheck, IpNetnsExecHasAMountNamespaceAndASysfsOfItsOwnAndCoreDoesNot) {
  BEHAVIOUR("EX19");
  REQUIRES(tools);
  REQUIRES(root);
  REQUIRES(mounts);
  struct Seen {
    bool prepared, same_netns, mounts_differ, mounts_are_callers, sysfs_of_blue, sysfs_of_caller;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    Seen answer{};
    answer.prepared =
        run_tool({"ip", "netns", "add", "blue"}).succeeded() &&
        run_tool({"ip", "-n", "blue", "link", "set", "dev", "lo", "name", "blue0"}).succeeded();
    const auto own_mounts = run_tool({"readlink", "/proc/self/ns/mnt"}).text;
    const auto netns = print_in("blue", {helper(), "netns"});
    const auto mounts_seen = print_in("blue", {"readlink", "/proc/self/ns/mnt"});
    const auto links = print_in("blue", {"ls", "/sys/class/net"});
    answer.same_netns = netns.by_ip == netns.by_core;
    answer.mounts_are_callers = mounts_seen.by_core == own_mounts;
    answer.mounts_differ = mounts_seen.by_ip != own_mounts && mounts_seen.by_ip.starts_with("mnt:");
    answer.sysfs_of_blue = links.by_ip.contains("blue0\n");
    answer.sysfs_of_caller = links.by_core.contains("lo\n") && !links.by_core.contains("blue0");
    return answer;
  });

  EXPECT_TRUE(seen.prepared);
  EXPECT_TRUE(seen.same_netns);
  EXPECT_TRUE(seen.mounts_differ);
  EXPECT_TRUE(seen.mounts_are_callers);
  EXPECT_TRUE(seen.sysfs_of_blue);
  EXPECT_TRUE(seen.sysfs_of_caller);
}

TEST(CrossCheck, IpNetnsExecSwitchesTheResolverAndCoreDoesNot) {
  BEHAVIOUR("TH18");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    bool added, by_ip, by_core, by_thread;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    must_own_etc("blue");
    Seen answer{};
    answer.added = run_tool({"ip", "netns", "add", "blue"}).succeeded();
    const auto printed = print_in("blue", {helper(), "file", "/etc/resolv.conf"});
    answer.by_ip = printed.by_ip.starts_with(names_nameserver);
    answer.by_core = printed.by_core.starts_with(callers_nameserver);
    const auto inside = in_netns(Target::name("blue"),
                                 [] { return configured_nameserver() == callers_nameserver; });
    answer.by_thread = inside.value_or(false);
    return answer;
  });

  EXPECT_TRUE(seen.added);
  EXPECT_TRUE(seen.by_ip);
  EXPECT_TRUE(seen.by_core);
  EXPECT_TRUE(seen.by_thread);
}

/// How many mounts are on this very path.
int mounts_on(const std::string& path) {
  int count = 0;
  std::ifstream file("/proc/thread-self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    count += line.contains(' ' + path + ' ') ? 1 : 0;
  }
  return count;
}

TEST(CrossCheck, NamesThatManyAddAtOnceAreAllEntered) {
  BEHAVIOUR("LT12");
  REQUIRES(tools);
  REQUIRES(own_netns);
  REQUIRES(mounts);
  constexpr std::size_t many = 8;
  struct Seen {
    std::size_t added, entered, different;
    int run_mounts;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    // The first one makes it, and a mount of it.
    const int mounts_before = mounts_on("/run/netns");
    ::rmdir("/run/netns");
    const auto name = [](std::size_t i) { return "n" + std::to_string(i); };
    std::vector<int> codes(many, -1);
    std::vector<std::thread> adding;
    for (std::size_t i = 0; i < many; ++i) {
      adding.emplace_back([&, i] {
        codes[i] = run_tool({"ip", "netns", "add", name(i)}).exit_code;
      });
    }
    for (auto& thread : adding) thread.join();
    Seen answer{};
    std::set<ino_t> ids;
    for (std::size_t i = 0; i < many; ++i) {
      answer.added += codes[i] == 0 ? 1 : 0;
      const auto inside = in_netns(Target::name(name(i)), current_netns);
      answer.entered += inside ? 1 : 0;
      if (inside) ids.insert(inside->inode);
    }
    answer.different = ids.size();
    answer.run_mounts = mounts_on("/run/netns") - mounts_before;
    return answer;
  });

  EXPECT_EQ(seen.added, many);
  EXPECT_EQ(seen.entered, many);
  EXPECT_EQ(seen.different, many);
  EXPECT_EQ(seen.run_mounts, 1);
}

}  // namespace
}  // namespace nsgate::test
