// SPDX-License-Identifier: Apache-2.0
//
// A name under /run/netns is only ever a name, and a path only that file.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "nsgate/netns.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/scratch_directory.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::Each;
using ::testing::EndsWith;

Arrivals enter_owned(const Target& target) {
  return enter_all_ways(target, UserTarget::owned(target));
}
Arrivals enter_name(const std::string& name) { return enter_owned(Target::name(name)); }

std::string message_of(const Target& target) {
  const auto opened = Netns::open(target);
  return opened ? "" : opened.error().message();
}

TEST(Target, NameThatCouldLeadElsewhereIsRefusedUnopened) {
  BEHAVIOUR("TR23");
  const OpenFds before;

  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
        std::string("../../proc/self/ns/net"), std::string("blue\0", 5), std::string("\0", 1)}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(enter_name(name), Each(turned_away(Stage::open, EINVAL)));
    EXPECT_THAT(message_of(Target::name(name)),
                EndsWith(": EINVAL (Invalid argument): not a name of a network namespace"));
  }
  EXPECT_EQ(OpenFds(), before);
}

TEST(Target, NameThatIsTooLongIsRefusedByTheKernel) {
  BEHAVIOUR("TR23");
  REQUIRES(own_netns);
  REQUIRES(mounts);

  // Without the directory it would be ENOENT.
  const auto arrivals = answer_of_owner([] {
    must_own_run();
    return enter_name(std::string(300, 'n'));
  });

  EXPECT_THAT(arrivals, Each(turned_away(Stage::open, ENAMETOOLONG)));
}

TEST(Target, NameMayHoldAnythingElse) {
  BEHAVIOUR("TR23");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId netns;
    std::array<Arrivals, 4> arrivals;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const UserScratch other;
    const Fd netns = other.open("ns/net");
    Seen answer{.netns = other.id(), .arrivals = {}};
    std::size_t next = 0;
    for (const char* name : {"...", "-n", "a b\n", "..blue"}) {
      const NamedNetns mounted(name, netns);
      answer.arrivals.at(next++) = enter_name(name);
    }
    return answer;
  });

  for (const auto& arrivals : seen.arrivals) EXPECT_THAT(arrivals, Each(arrival_in(seen.netns)));
}

TEST(Target, NameThatIsANumberIsNeverAPid) {
  BEHAVIOUR("TR22");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId named;
    Arrivals before, mounted, deleted;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const UserScratch process;
    const UserScratch named;
    const auto number = std::to_string(process.pid());
    Seen answer{};
    answer.named = named.id();
    answer.before = enter_name(number);
    {
      const NamedNetns mounted(number, named.open("ns/net"));
      answer.mounted = enter_name(number);
    }
    answer.deleted = enter_name(number);
    return answer;
  });

  EXPECT_THAT(seen.before, Each(turned_away(Stage::open, ENOENT)));
  EXPECT_THAT(seen.mounted, Each(arrival_in(seen.named)));
  EXPECT_THAT(seen.deleted, Each(turned_away(Stage::open, ENOENT)));
}

TEST(Target, NameIsAPlaceholderOnceItsMountIsGone) {
  BEHAVIOUR("TR07 TR24");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    Arrivals arrivals;
    bool said;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const UserScratch other;
    NamedNetns blue("blue", other.open("ns/net"));
    blue.unmount();
    return Seen{enter_name("blue"),
                message_of(Target::name("blue")) ==
                    "open /run/netns/blue: EINVAL (Invalid argument): not a namespace"};
  });

  EXPECT_THAT(seen.arrivals, Each(turned_away(Stage::open, EINVAL)));
  EXPECT_TRUE(seen.said);
}

TEST(Target, NameIsEnoentWithoutItsFileOrItsDirectory) {
  BEHAVIOUR("TR23");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  struct Seen {
    Arrivals no_file, no_directory;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    Seen answer{};
    answer.no_file = enter_name("blue");
    ::rmdir("/run/netns");
    answer.no_directory = enter_name("blue");
    return answer;
  });

  EXPECT_THAT(seen.no_file, Each(turned_away(Stage::open, ENOENT)));
  EXPECT_THAT(seen.no_directory, Each(turned_away(Stage::open, ENOENT)));
}

TEST(Target, NameThatIsALinkIsFollowed) {
  BEHAVIOUR("TR23");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId netns;
    Arrivals arrivals;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const UserScratch other;
    const auto file = "/proc/" + std::to_string(other.pid()) + "/ns/net";
    (void)!::symlink(file.c_str(), "/run/netns/link");
    return Seen{other.id(), enter_name("link")};
  });

  EXPECT_THAT(seen.arrivals, Each(arrival_in(seen.netns)));
}

/// Makes a socket file; returns 0 or an errno.
int make_socket_file(const char* path) {
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::string(path).copy(address.sun_path, sizeof address.sun_path - 1);
  return error_of(
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

TEST(Target, PathOfWhatIsNoNamespaceIsToldWithoutWaiting) {
  BEHAVIOUR("TR02 TR07");
  const ScratchDirectory directory;
  ASSERT_EQ(::chdir(directory.path().c_str()), 0);
  ASSERT_EQ(::mkfifo("fifo", 0600), 0);
  ASSERT_TRUE(Fd(::open("placeholder", O_RDONLY | O_CREAT | O_CLOEXEC, 0444)));
  ASSERT_EQ(::symlink("fifo", "link"), 0);
  const OpenFds before;

  for (const char* path : {"fifo", "link", "placeholder", "/dev/null", "/dev/zero", ".", "/proc",
                           "/proc/self/ns", "/proc/self/status"}) {
    SCOPED_TRACE(path);
    const auto target = Target::path(path);
    EXPECT_THAT(enter_owned(target), Each(turned_away(Stage::open, EINVAL)));
    EXPECT_EQ(message_of(target),
              "open " + std::string(path) + ": EINVAL (Invalid argument): not a namespace");
  }
  for (const char* path : {"/proc/self/ns/user", "/proc/self/ns/uts", "/proc/self/ns/mnt"}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(message_of(Target::path(path)),
              "open " + std::string(path) +
                  ": EINVAL (Invalid argument): not a network namespace, but one of another kind");
  }
  EXPECT_EQ(OpenFds(), before);
}

TEST(Target, PathThatCannotBeOpenedKeepsTheErrnoOfThat) {
  BEHAVIOUR("TR11");
  const ScratchDirectory directory;
  ASSERT_EQ(::chdir(directory.path().c_str()), 0);
  ASSERT_EQ(make_socket_file("socket"), 0);
  ASSERT_EQ(::symlink("loop", "loop"), 0);

  EXPECT_THAT(enter_owned(Target::path("socket")), Each(turned_away(Stage::open, ENXIO)));
  EXPECT_THAT(enter_owned(Target::path("loop")), Each(turned_away(Stage::open, ELOOP)));
  EXPECT_THAT(enter_owned(Target::path("")), Each(turned_away(Stage::open, ENOENT)));
}

// open(2) would take it for the path up to there.
TEST(Target, PathWithANulByteIsNotCutShort) {
  BEHAVIOUR("TR23");
  const auto target = Target::path(std::string("/proc/self/ns/net\0.old", 22));

  EXPECT_THAT(enter_owned(target), Each(turned_away(Stage::open, EINVAL)));
  EXPECT_THAT(message_of(target), EndsWith(": EINVAL (Invalid argument): a NUL byte in the path"));
}

}  // namespace
}  // namespace nsgate::test
