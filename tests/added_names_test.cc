// SPDX-License-Identifier: Apache-2.0
//
// Names under /run/netns as they come and go: many at once, and not beyond the mounts that they
// are.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "nsgate/in_netns.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/rendezvous.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

/// For a thread, which ends in the new namespace: gives it a name. Returns 0 or an errno.
int add_name(const std::string& name, NamespaceId& made) {
  const std::string path = "/run/netns/" + name;
  // Whoever comes first makes it.
  if (::mkdir("/run/netns", 0755) != 0 && errno != EEXIST) return errno;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (!file || ::unshare(CLONE_NEWNET) != 0) return errno;
  made = current_netns();
  return error_of(::mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr));
}

TEST(Names, ManyThatAreAddedAtOnceAreAllEntered) {
  BEHAVIOUR("LT12");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  constexpr std::size_t many = 16;
  struct Seen {
    std::size_t added, right, different;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    ::rmdir("/run/netns");
    std::array<NamespaceId, many> made{};
    std::array<int, many> errors{};
    const auto name = [](std::size_t i) { return "n" + std::to_string(i); };
    Rendezvous start(many);
    std::vector<std::thread> adding;
    for (std::size_t i = 0; i < many; ++i) {
      adding.emplace_back([&, i] {
        start.meet();
        errors[i] = add_name(name(i), made[i]);
      });
    }
    for (auto& thread : adding) thread.join();
    Seen answer{};
    std::set<ino_t> ids;
    for (std::size_t i = 0; i < many; ++i) {
      answer.added += errors[i] == 0 ? 1 : 0;
      const auto inside = in_netns(Target::name(name(i)), current_netns);
      answer.right += inside && *inside == made[i] ? 1 : 0;
      ids.insert(made[i].inode);
    }
    answer.different = ids.size();
    return answer;
  });

  EXPECT_EQ(seen.added, many);
  EXPECT_EQ(seen.right, many);
  EXPECT_EQ(seen.different, many);
}

/// For a child: what a machine is that starts with this directory as /run/netns.
void start_with(const std::string& directory) {
  must_own_run();
  if (::mount(directory.c_str(), "/run/netns", nullptr, MS_BIND, nullptr) != 0) {
    throw std::system_error(errno, std::generic_category(), "mount " + directory);
  }
}

bool is_plain_file(const char* path) {
  struct stat status {};
  return ::lstat(path, &status) == 0 && S_ISREG(status.st_mode);
}

// A reboot is the end of every mount. So is the end of a mount namespace.
TEST(Names, OutliveTheirMountsAsPlainFilesWhereTheDirectoryIsKept) {
  BEHAVIOUR("LT14");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  const ScratchDirectory kept;
  struct Seen {
    bool entered, plain_file;
    int added_again;
    Arrivals arrivals;
  };
  const auto enter = [program = helper()] {
    return enter_all_ways(Target::name("blue"), UserTarget::owned(Target::name("blue")), program);
  };

  const auto before = answer_of_owner([&] {
    start_with(kept.path());
    NamespaceId made{};
    std::thread([&] { (void)add_name("blue", made); }).join();
    Seen answer{};
    answer.arrivals = enter();
    answer.plain_file = is_plain_file("/run/netns/blue");
    answer.entered = answer.arrivals[0] == arrival_in(made);
    return answer;
  });
  const auto after = answer_of_owner([&] {
    start_with(kept.path());
    Seen answer{};
    answer.arrivals = enter();
    answer.plain_file = is_plain_file("/run/netns/blue");
    NamespaceId made{};
    std::thread([&] { answer.added_again = add_name("blue", made); }).join();
    return answer;
  });
  const auto after_with_a_new_directory = answer_of_owner([&] {
    must_own_run();
    Seen answer{};
    answer.arrivals = enter();
    return answer;
  });

  EXPECT_TRUE(before.entered);
  EXPECT_TRUE(after.plain_file);
  EXPECT_THAT(after.arrivals, Each(turned_away(Stage::open, EINVAL)));
  EXPECT_EQ(after.added_again, EEXIST);
  EXPECT_THAT(after_with_a_new_directory.arrivals, Each(turned_away(Stage::open, ENOENT)));
}

}  // namespace
}  // namespace nsgate::test
