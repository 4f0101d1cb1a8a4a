// SPDX-License-Identifier: Apache-2.0
//
// The time between the opening of a namespace and its joining, in which other threads fork and
// execute: their programs find nothing of it. That of programs that core executes is in
// close_on_exec_test.cc.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "helper/helper.h"
#include "nsgate/in_netns.h"
#include "nsgate/resident.h"
#include "support/child_output.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

/// What a program finds open that somebody else forks and executes.
std::string descriptors_of_a_stranger(const std::string& program) {
  return output_of_child([&] { return ::execl(program.c_str(), "nsgate_helper", "fds", nullptr); })
      .out;
}

/// What a program found open, in a form that a child can send to its test.
using Text = std::array<char, 128>;
Text text_of(const std::string& words) {
  Text text{};
  words.copy(text.data(), text.size() - 1);
  return text;
}

struct Seen {
  int strangers;
  int entered;
  Text alone;
  Text beside;  ///< the first that differs, or the last
};

/// For a child: enters again and again while programs are started beside it.
Seen start_beside(const std::string& program, const std::function<bool()>& enter) {
  const auto alone = descriptors_of_a_stranger(program);
  std::latch started(2);
  std::atomic<bool> end = false;
  Seen seen{0, 0, text_of(alone), {}};
  std::thread entering([&] {
    started.arrive_and_wait();
    while (!end) seen.entered += enter() ? 1 : 0;
  });
  started.arrive_and_wait();
  for (std::string beside = alone; seen.strangers < 20 && beside == alone; ++seen.strangers) {
    beside = descriptors_of_a_stranger(program);
    seen.beside = text_of(beside);
  }
  end = true;
  entering.join();
  return seen;
}

using Enter = std::function<bool(const ParkedProcess&)>;

/// By each way of naming a namespace that opens one.
std::map<std::string, Enter> entries() {
  const auto enter = [](const Target& target) { return in_netns(target, [] {}).has_value(); };
  return {
      {"process", [=](const auto& other) { return enter(Target::process(other.pid())); }},
      {"thread",
       [=](const auto& other) { return enter(Target::thread(other.pid(), other.pid())); }},
      {"path",
       [=](const auto& other) {
         return enter(Target::path("/proc/" + std::to_string(other.pid()) + "/ns/net"));
       }},
      {"pidfd",
       [=](const auto& other) {
         const Fd process = pidfd_open(other.pid());
         return enter(Target::pidfd(process.get()));
       }},
      {"socket",
       [=](const auto&) {
         const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
         return enter(Target::socket(socket.get()));
       }},
      {"current", [=](const auto&) { return enter(Target::current()); }},
      {"resident",
       [](const auto& other) {
         auto resident = Resident::open(Target::process(other.pid()));
         return resident && resident->run([] {}).has_value();
       }},
  };
}

TEST(InNetns, LeaksNoDescriptorToProgramsThatOtherThreadsStart) {
  BEHAVIOUR("FD02");
  REQUIRES(own_netns);
  const std::string program = helper();
  for (const auto& [way, enter] : entries()) {
    SCOPED_TRACE(way);

    const auto seen = answer_of_owner([&, &run = enter] {
      const ScratchNetns other;
      return start_beside(program, [&] { return run(other); });
    });

    EXPECT_STREQ(seen.beside.data(), seen.alone.data());
    EXPECT_EQ(seen.strangers, 20);
    EXPECT_THAT(seen.alone.data(), ::testing::StartsWith("0\n1\n2\n"));
    EXPECT_GT(seen.entered, 0);
  }
}

// What the test above would see of an open(2) without O_CLOEXEC.
TEST(Fork, TakesAlongWhatIsNotCloseOnExec) {
  BEHAVIOUR("FD02");
  const std::string program = helper();
  const auto alone = descriptors_of_a_stranger(program);

  std::string beside;
  {
    const Fd netns(::open("/proc/self/ns/net", O_RDONLY));
    beside = descriptors_of_a_stranger(program);
  }

  EXPECT_NE(beside, alone);
  EXPECT_EQ(descriptors_of_a_stranger(program), alone);
}

struct WithoutStandardDescriptors {
  bool entered, left_as_it_was;
};

TEST(InNetns, WorksForACallerWithoutStandardDescriptors) {
  BEHAVIOUR("FD07");
  REQUIRES(own_netns);
  for (unsigned int closed = 0; closed < 8; ++closed) {
    SCOPED_TRACE("with these of 0, 1 and 2 closed: bits " + std::to_string(closed));

    const auto seen = answer_of_owner([&] {
      const ScratchNetns other;
      const auto id = other.id();
      const auto is_closed = [&](int fd) { return (closed & 1u << fd) != 0; };
      for (int fd = 0; fd < 3; ++fd) {
        if (is_closed(fd)) ::close(fd);
      }
      const auto inside = in_netns(Target::process(other.pid()), current_netns);
      WithoutStandardDescriptors answer{inside && *inside == id, true};
      for (int fd = 0; fd < 3; ++fd) {
        answer.left_as_it_was &= (::fcntl(fd, F_GETFD) < 0) == is_closed(fd);
      }
      return answer;
    });

    EXPECT_TRUE(seen.entered);
    EXPECT_TRUE(seen.left_as_it_was);
  }
}

}  // namespace
}  // namespace nsgate::test
