// SPDX-License-Identifier: Apache-2.0
//
// What keeps a network namespace alive when its last process has ended, and what does not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/in_flight.h"
#include "support/mounts.h"
#include "support/named_netns.h"
#include "support/namespaces.h"
#include "support/netns_watch.h"
#include "support/requirements.h"
#include "support/system_calls.h"
#include "support/thread_state.h"

namespace nsgate::test {
namespace {

/// The life of a namespace whose last process ended while something was held.
struct Life {
  bool alive_while_held;
  bool ended;  // without a release if it was not alive, else after it
  friend bool operator==(const Life&, const Life&) = default;
};
std::ostream& operator<<(std::ostream& out, const Life& life) {
  return out << (life.alive_while_held ? "alive" : "not alive") << " while held, "
             << (life.ended ? "then ended" : "never ended");
}
constexpr Life pinned{.alive_while_held = true, .ended = true};
constexpr Life not_pinned{.alive_while_held = false, .ended = true};

/// `hold` returns what is to be held of a process's namespace, to be released by its destructor.
template <typename Hold>
Life life_held_by(Hold hold) {
  return answer_of_owner([&] {
    ScratchNetns target;
    const NetnsWatch watch(target.open("ns/net"));
    auto held = std::make_optional(hold(target));
    target.reap();
    const bool alive = watch.alive();
    if (alive) held.reset();
    return Life{.alive_while_held = alive, .ended = watch.sees_end()};
  });
}

/// The descriptor: what is not held can pin nothing.
Fd must(Fd fd, const char* what) {
  if (!fd) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

/// What f() returns in the namespace of `target`.
template <typename F>
Fd opened_inside(const ParkedProcess& target, F f) {
  auto opened = in_netns(Target::process(target.pid()), [&] { return must(f(), "inside"); });
  // The worker leaves the namespace a moment after its end, and must not be what keeps it alive.
  wait_until_single_threaded();
  return std::move(opened.value());
}

TEST(Netns, LivesAsLongAsADescriptorOfIt) {
  BEHAVIOUR("LT01");
  REQUIRES(own_netns);
  EXPECT_EQ(life_held_by([](const ParkedProcess& target) { return target.open("ns/net"); }),
            pinned);
}

TEST(Netns, LivesAsLongAsADescriptorOpenedByPathOnly) {
  BEHAVIOUR("LT05");
  REQUIRES(own_netns);
  EXPECT_EQ(life_held_by([](const ParkedProcess& target) {
              const auto file = "/proc/" + std::to_string(target.pid()) + "/ns/net";
              return Fd(::open(file.c_str(), O_PATH | O_CLOEXEC));
            }),
            pinned);
}

TEST(Netns, LivesAsLongAsAMountOfIt) {
  BEHAVIOUR("LT02");
  REQUIRES(own_netns);
  REQUIRES(mounts);
  EXPECT_EQ(life_held_by([](const ParkedProcess& target) {
              must_own_run();
              return std::make_unique<NamedNetns>("blue", target.open("ns/net"));
            }),
            pinned);
}

TEST(Netns, LivesAsLongAsASocketMadeInIt) {
  BEHAVIOUR("LT03");
  REQUIRES(own_netns);
  for (const int family : {AF_INET, AF_NETLINK, AF_UNIX}) {
    SCOPED_TRACE(family);
    EXPECT_EQ(life_held_by([=](const ParkedProcess& target) {
                return opened_inside(
                    target, [=] { return Fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)); });
              }),
              pinned);
  }
}

TEST(Netns, LivesAsLongAsAnOpenFileOfItsProcNet) {
  BEHAVIOUR("LT04");
  REQUIRES(own_netns);
  EXPECT_EQ(life_held_by([](const ParkedProcess& target) { return target.open("net/dev"); }),
            pinned);
}

TEST(Netns, LivesAsLongAsAnUnreadMessageThatCarriesIt) {
  BEHAVIOUR("LT17");
  REQUIRES(own_netns);
  EXPECT_EQ(
      life_held_by([](const ParkedProcess& target) { return InFlight(target.open("ns/net")); }),
      pinned);
}

TEST(InNetns, EntersANamespaceThatCameInAMessageAfterItsLastProcess) {
  BEHAVIOUR("LT17");
  REQUIRES(own_netns);

  const auto [id, inside] = answer_of_owner([] {
    ScratchNetns target;
    const auto before = target.id();
    const InFlight message(target.open("ns/net"));
    target.reap();
    const Fd netns = message.receive();
    return std::array{
        before, in_netns(Target::descriptor(netns.get()), current_netns).value_or(NamespaceId{})};
  });

  EXPECT_EQ(inside, id);
}

/// A thread that was started inside and stays there.
class LeakedThread {
 public:
  explicit LeakedThread(const ParkedProcess& target) {
    const auto worker = in_netns(Target::process(target.pid()), [this] {
      std::promise<pid_t> started;
      thread_ = std::thread([this, &started] {
        auto released = release_.get_future();
        started.set_value(::gettid());
        released.wait();
      });
      tid_ = started.get_future().get();
      return ::gettid();
    });
    // See opened_inside.
    wait_until_asleep(worker.value());
  }
  ~LeakedThread() {
    release_.set_value();
    thread_.join();
  }

  pid_t tid() const { return tid_; }

 private:
  std::promise<void> release_;
  std::thread thread_;
  pid_t tid_ = -1;
};

TEST(InNetns, ThreadStartedInsideKeepsTheNamespaceAlive) {
  BEHAVIOUR("LT07");
  REQUIRES(own_netns);
  EXPECT_EQ(life_held_by(
                [](const ParkedProcess& target) { return std::make_unique<LeakedThread>(target); }),
            pinned);
}

TEST(InNetns, ThreadStartedInsideIsInvisibleInTheNamespaceOfItsProcess) {
  BEHAVIOUR("LT07");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId own, target, of_process, of_thread;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns target;
    const auto own = current_netns();
    const LeakedThread leaked(target);
    return Seen{own, target.id(), netns_of(::getpid()), netns_of(leaked.tid())};
  });

  EXPECT_EQ(seen.of_process, seen.own);
  EXPECT_EQ(seen.of_thread, seen.target);
}

TEST(Netns, EndsAlthoughAPidfdOfItsProcessIsHeld) {
  BEHAVIOUR("LT02 LT06");
  REQUIRES(own_netns);
  EXPECT_EQ(life_held_by([](const ParkedProcess& target) {
              return must(pidfd_open(target.pid()), "pidfd_open");
            }),
            not_pinned);
}

TEST(Netns, EndsAlthoughADirectoryOfItsProcessIsHeld) {
  BEHAVIOUR("LT06");
  REQUIRES(own_netns);
  for (const char* directory : {".", "ns", "net"}) {
    SCOPED_TRACE(directory);
    EXPECT_EQ(life_held_by([=](const ParkedProcess& target) { return target.open(directory); }),
              not_pinned);
  }
}

TEST(Netns, EndsAlthoughAFileOfItsSysctlsIsHeld) {
  BEHAVIOUR("LT06");
  REQUIRES(own_netns);
  EXPECT_EQ(life_held_by([](const ParkedProcess& target) {
              return opened_inside(target, [] {
                return Fd(::open("/proc/sys/net/ipv4/ip_forward", O_RDONLY | O_CLOEXEC));
              });
            }),
            not_pinned);
}

/// For a child: mounts a sysfs of the network namespace `target`, and leaves that again.
int mount_sysfs_of(const Fd& target) {
  const Fd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  must_own_run();
  if (::setns(target.get(), CLONE_NEWNET) != 0 ||
      ::mount("sysfs", "/run/netns", "sysfs", 0, nullptr) != 0) {
    return errno;
  }
  return setns_error(own.get(), CLONE_NEWNET);
}

TEST(Netns, EndsAlthoughASysfsThatWasMountedInsideIsHeld) {
  BEHAVIOUR("LT06");
  REQUIRES(root);
  REQUIRES(mounts);
  EXPECT_EQ(
      life_held_by([](const ParkedProcess& target) {
        const Fd netns = target.open("ns/net");
        // Closes the copy that the mounting process has inherited.
        return std::make_unique<ParkedProcess>([&] { return mount_sysfs_of(Fd(netns.get())); });
      }),
      not_pinned);
}

}  // namespace
}  // namespace nsgate::test
