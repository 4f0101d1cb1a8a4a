// SPDX-License-Identifier: Apache-2.0
//
// Every kind of target, by every way, while what it names is there.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "nsgate/in_netns.h"
#include "support/arrival.h"
#include "support/either_user.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/system_calls.h"
#include "support/two_threads.h"

namespace nsgate::test {
namespace {

using ::testing::Each;

/// A process's namespaces with everything that can name them.
class Place {
 public:
  Place() {
    auto made_inside = in_netns(Target::process(process_.pid()),
                                [] { return Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); });
    socket_ = std::move(made_inside.value());
  }

  NamespaceId netns() const { return id_of(net_); }
  NamespaceId userns() const { return id_of(user_); }

  struct Kind {
    Target target;
    UserTarget both;
  };
  static constexpr std::array names{"process", "pidfd", "thread",     "name",
                                    "mount",   "path",  "descriptor", "descriptor and its owner",
                                    "socket"};
  std::vector<Kind> kinds() const {
    const pid_t pid = process_.pid();
    const auto owned = [](const Target& target) { return Kind{target, UserTarget::owned(target)}; };
    const auto descriptor = Target::descriptor(net_.get());
    return {
        {Target::process(pid), UserTarget::process(pid)},
        {Target::pidfd(pidfd_.get()), UserTarget::pidfd(pidfd_.get())},
        {Target::thread(pid, pid), UserTarget::thread(pid, pid)},
        owned(Target::name("blue")),
        owned(Target::path(name_.path())),
        owned(Target::path("/proc/" + std::to_string(pid) + "/ns/net")),
        {descriptor, UserTarget::descriptors({.user = user_.get(), .net = net_.get()})},
        owned(descriptor),
        owned(Target::socket(socket_.get())),
    };
  }

 private:
  UserScratch process_;
  Fd net_ = process_.open("ns/net");
  Fd user_ = process_.open("ns/user");
  Fd pidfd_ = pidfd_open(process_.pid());
  NamedNetns name_{"blue", net_};
  Fd socket_;
};

TEST(Target, EveryKindLeadsToTheNamespaceThatItNames) {
  BEHAVIOUR("TR15 TR17 TR21 TR29");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId netns;
    std::array<Arrivals, Place::names.size()> by_kind;
    bool leaked;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const Place place;
    Seen answer{.netns = place.netns(), .by_kind = {}, .leaked = false};
    const auto kinds = place.kinds();
    const OpenFds before;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      answer.by_kind.at(i) = enter_all_ways(kinds[i].target, kinds[i].both);
    }
    answer.leaked = !(OpenFds() == before);
    return answer;
  });

  for (std::size_t i = 0; i < seen.by_kind.size(); ++i) {
    SCOPED_TRACE(Place::names[i]);
    EXPECT_THAT(seen.by_kind[i], Each(arrival_in(seen.netns)));
  }
  EXPECT_FALSE(seen.leaked);
}

TEST(Target, EveryKindLeadsAProgramIntoTheUserNamespaceToo) {
  BEHAVIOUR("TR28 UN01");
  REQUIRES(userns);
  REQUIRES(mounts);
  struct Seen {
    NamespaceId userns;
    std::array<NamespaceId, Place::names.size()> by_kind;
  };

  const auto seen = answer_of_owner([] {
    must_own_run();
    const Place place;
    Seen answer{.userns = place.userns(), .by_kind = {}};
    const auto kinds = place.kinds();
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      answer.by_kind.at(i) =
          printed_id(exec_in_user_netns(kinds[i].both, {.argv = {helper(), "userns"}}));
    }
    return answer;
  });

  for (std::size_t i = 0; i < seen.by_kind.size(); ++i) {
    EXPECT_EQ(seen.by_kind[i], seen.userns) << Place::names[i];
  }
}

TEST(Target, SocketLeadsToItsNamespaceAfterTheLastProcess) {
  BEHAVIOUR("TR29 LT03");
  REQUIRES(userns);
  struct Seen {
    NamespaceId netns;
    Arrivals arrivals;
  };

  const auto seen = answer_of_owner([] {
    UserScratch other;
    const auto netns = other.id();
    const auto socket = in_netns(Target::process(other.pid()), [] {
      return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    });
    other.reap();
    const auto target = Target::socket(socket.value().get());
    return Seen{netns, enter_all_ways(target, UserTarget::owned(target))};
  });

  EXPECT_THAT(seen.arrivals, Each(arrival_in(seen.netns)));
}

TEST(Target, CurrentIsWhereTheCallingThreadIs) {
  BEHAVIOUR("TH02");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId own, other;
    Arrivals outside, inside;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const auto enter_current = [] {
      return enter_all_ways(Target::current(), UserTarget::owned(Target::current()));
    };
    return Seen{current_netns(), other.id(), enter_current(),
                in_netns(Target::process(other.pid()), enter_current).value_or(Arrivals{})};
  });

  ASSERT_NE(seen.own, seen.other);
  EXPECT_THAT(seen.outside, Each(arrival_in(seen.own)));
  EXPECT_THAT(seen.inside, Each(arrival_in(seen.other)));
}

TEST(Target, CurrentIsDecidedWhenItIsUsed) {
  BEHAVIOUR("TH02");
  REQUIRES(own_netns);

  const auto [inside, other] = answer_of_owner([] {
    const auto current = Target::current();
    const ScratchNetns scratch;
    const auto seen =
        in_netns(Target::process(scratch.pid()), [&] { return in_netns(current, current_netns); });
    return std::array{seen.value_or(NamespaceId{}), scratch.id()};
  });

  EXPECT_EQ(inside, other);
}

}  // namespace
}  // namespace nsgate::test
