// SPDX-License-Identifier: Apache-2.0
//
// Files, which belong to the mount namespace and not to the network namespace: an entry changes
// none of them. What ip-netns(8) does besides is in cross_check_ip_files_test.cc.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/loopback.h"
#include "support/matchers.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/own_etc.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

TEST(InNetns, ResolverIsConfiguredAsForTheCaller) {
  BEHAVIOUR("TH18");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    bool entered, by_thread, by_program, both_name;
  };

  const auto seen = answer_of_owner([program = helper()] {
    must_own_run();
    must_own_etc("blue");
    const ScratchNetns other;
    const NamedNetns named("blue", other.open("ns/net"));
    const auto target = Target::name("blue");
    const auto inside =
        in_netns(target, [] { return configured_nameserver() == callers_nameserver; });
    const auto ended = exec_in_netns(target, {.argv = {program, "file", "/etc/resolv.conf"}});
    const auto ended_as_owner = exec_in_user_netns(UserTarget::owned(target),
                                                   {.argv = {program, "file", "/etc/resolv.conf"}});
    Seen answer{};
    answer.entered = inside && ended && ended_as_owner;
    if (!answer.entered) return answer;
    answer.by_thread = *inside;
    answer.by_program = ended->out.contains(callers_nameserver);
    answer.both_name = ended_as_owner->out.contains(callers_nameserver);
    return answer;
  });

  EXPECT_TRUE(seen.entered);
  EXPECT_TRUE(seen.by_thread);
  EXPECT_TRUE(seen.by_program);
  EXPECT_TRUE(seen.both_name);
}

struct LocalName {
  explicit LocalName(const std::string& path) {
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
  sockaddr_un address{};
};

/// Connects to a service like nscd and asks it for its network namespace.
NamespaceId ask_service(const std::string& path) {
  const LocalName name(path);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NamespaceId told{};
  if (::connect(socket.get(), name.get(), sizeof name.address) != 0) return told;
  [[maybe_unused]] const auto size = ::recv(socket.get(), &told, sizeof told, MSG_WAITALL);
  return told;
}

TEST(InNetns, ServiceBehindAPathAnswersForItsOwnNamespace) {
  BEHAVIOUR("TH19");
  REQUIRES(own_netns);
  const ScratchDirectory directory;
  const std::string path = directory.path() / "service";
  struct Seen {
    NamespaceId service, target, inside, told;
  };

  const auto seen = answer_of_owner([&] {
    const ScratchNetns other;
    const LocalName name(path);
    const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener.get(), name.get(), sizeof name.address) != 0 ||
        ::listen(listener.get(), 1) != 0) {
      return Seen{};
    }
    auto service = std::async(std::launch::async, [&] {
      const Fd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      const auto own = current_netns();
      ::send(client.get(), &own, sizeof own, MSG_NOSIGNAL);
    });
    Seen answer{};
    answer.service = current_netns();
    answer.target = other.id();
    (void)in_netns(Target::process(other.pid()), [&] {
      answer.inside = current_netns();
      answer.told = ask_service(path);
    });
    ::shutdown(listener.get(), SHUT_RDWR);
    service.get();
    return answer;
  });

  EXPECT_NE(seen.service, NamespaceId{});
  EXPECT_EQ(seen.inside, seen.target);
  EXPECT_EQ(seen.told, seen.service);
}

TEST(Exec, ProgramHasTheCallersMountsAndSysfs) {
  BEHAVIOUR("EX19");
  REQUIRES(root);
  const std::string program = helper();
  struct Seen {
    bool entered, links, same_mounts, sysfs_of_caller;
  };

  const auto seen = answer_of_owner([&] {
    const ParkedProcess other([] {
      const int error = unshare_mapped(CLONE_NEWNET);
      return error != 0 ? error : rename_loopback("blue");
    });
    const auto run = [&](std::vector<std::string> words) {
      words.insert(words.begin(), program);
      return exec_in_netns(Target::process(other.pid()), {.argv = words});
    };
    std::ifstream mounts_file("/proc/self/mountinfo");
    const std::string mounts{std::istreambuf_iterator<char>(mounts_file), {}};
    const auto links = run({"links"});
    const auto mounted = run({"file", "/proc/self/mountinfo"});
    const auto index = run({"file", "/sys/class/net/lo/ifindex"});
    const auto blue = run({"file", "/sys/class/net/blue/ifindex"});
    Seen answer{};
    answer.entered = links && mounted && index && blue;
    if (!answer.entered) return answer;
    answer.links = links->out == "blue\n";
    answer.same_mounts = mounted->out == mounts;
    answer.sysfs_of_caller = index->succeeded() && blue->how == End(Exited{helper_system});
    return answer;
  });

  EXPECT_TRUE(seen.entered);
  EXPECT_TRUE(seen.links);
  EXPECT_TRUE(seen.same_mounts);
  EXPECT_TRUE(seen.sysfs_of_caller);
}

/// Mounts sysfs on this directory, in a mount namespace of the caller's. Returns 0 or an errno.
int mount_sysfs(const std::string& on) {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return -errno;
  }
  return error_of(::mount("sysfs", on.c_str(), "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr));
}

TEST(Sysfs, IsMountedInsideByWhoHasRightsOverTheOwner) {
  BEHAVIOUR("EX20");
  REQUIRES(userns);
  REQUIRES(mounts);
  const ScratchDirectory directory;
  const std::string on = directory.path();
  struct Seen {
    int prepared, mounted;
    bool shows_inside;
  };

  const auto of_owner = answer_of_child([&] {
    Seen answer{};
    answer.prepared = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET);
    if (answer.prepared == 0) answer.prepared = rename_loopback("blue");
    answer.mounted = mount_sysfs(on);
    answer.shows_inside = std::filesystem::exists(on + "/class/net/blue");
    return answer;
  });
  const auto of_another = answer_of_child([&] {
    Seen answer{};
    answer.prepared = unshare_own();
    if (answer.prepared == 0) answer.prepared = rename_loopback("blue");
    // All capabilities, in a child of the user namespace that owns the network namespace.
    if (answer.prepared == 0) answer.prepared = unshare_mapped(CLONE_NEWUSER);
    answer.mounted = mount_sysfs(on);
    answer.shows_inside = std::filesystem::exists(on + "/class/net/blue");
    return answer;
  });

  ASSERT_EQ(of_owner.prepared, 0);
  EXPECT_EQ(of_owner.mounted, 0);
  EXPECT_TRUE(of_owner.shows_inside);
  ASSERT_EQ(of_another.prepared, 0);
  EXPECT_EQ(of_another.mounted, EPERM);
  EXPECT_FALSE(of_another.shows_inside);
}

}  // namespace
}  // namespace nsgate::test
