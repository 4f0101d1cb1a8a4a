// SPDX-License-Identifier: Apache-2.0
//
// Exceptions that leave the closure: they leave in_netns as they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "nsgate/in_netns.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using ::testing::ElementsAre;
using ::testing::Ne;
using ::testing::Optional;

/// The exception of this type that f() throws, if it does.
template <typename Exception, typename F>
std::optional<Exception> caught(const F& f) {
  try {
    (void)f();
  } catch (const Exception& exception) {
    return exception;
  }
  return std::nullopt;
}

struct Custom {
  std::string text;
  int number;
  friend bool operator==(const Custom&, const Custom&) = default;
};

TEST(InNetns, ExceptionReachesTheCallerWithTypeAndValue) {
  BEHAVIOUR("XD01");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());
  const OpenFds before;

  const auto standard = caught<std::out_of_range>(
      [&] { return in_netns(target, [] { throw std::out_of_range("too far"); }); });
  const auto integer = caught<int>([&] { return in_netns(target, [] { throw 42; }); });
  const auto custom = caught<Custom>([&] {
    return in_netns(target, []() -> int { throw Custom{"forty-two", 42}; });
  });

  ASSERT_TRUE(standard);
  EXPECT_STREQ(standard->what(), "too far");
  EXPECT_THAT(integer, Optional(42));
  EXPECT_THAT(custom, Optional(Custom{"forty-two", 42}));
  EXPECT_EQ(OpenFds(), before);
}

TEST(InNetns, ErrorOfTheClosureIsNotMistakenForOneOfEntering) {
  BEHAVIOUR("XD02");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());
  const auto refused = std::make_error_code(std::errc::operation_not_permitted);

  const auto thrown = caught<std::system_error>(
      [&] { return in_netns(target, [&] { throw std::system_error(refused, "setns"); }); });

  ASSERT_TRUE(thrown);
  EXPECT_EQ(thrown->code(), refused);
  EXPECT_THAT(in_netns(target, [&] { return refused; }), IsOkAndHolds(refused));
  EXPECT_THAT(in_netns(Target::descriptor(-1), [&] { throw std::system_error(refused, "setns"); }),
              FailsAt(Stage::open, EBADF));
}

/// A result that cannot be handed over; tells which thread has tried.
struct Immobile {
  Immobile() = default;
  [[noreturn]] Immobile(Immobile&&) { throw ::gettid(); }
};

TEST(InNetns, ExceptionOfMovingTheResultReachesTheCaller) {
  BEHAVIOUR("XD03");
  REQUIRES(root);
  const ScratchNetns other;

  const auto tried_by = caught<pid_t>(
      [&] { return in_netns(Target::process(other.pid()), [] { return Immobile(); }); });

  EXPECT_THAT(tried_by, Optional(Ne(::gettid())));
}

TEST(InNetns, ExceptionReachesACallerThatIsUnwinding) {
  BEHAVIOUR("XD13");
  REQUIRES(root);
  const ScratchNetns other;
  std::optional<int> inner;
  struct Cleanup {
    const ScratchNetns& other;
    std::optional<int>& inner;
    ~Cleanup() {
      inner =
          caught<int>([this] { return in_netns(Target::process(other.pid()), [] { throw 42; }); });
    }
  };

  const auto outer = caught<std::runtime_error>([&]() -> int {
    const Cleanup cleanup{other, inner};
    throw std::runtime_error("outer");
  });

  EXPECT_THAT(inner, Optional(42));
  ASSERT_TRUE(outer);
  EXPECT_STREQ(outer->what(), "outer");
}

/// Tells which threads destroyed its copies.
struct Traced {
  explicit Traced(std::vector<pid_t>& by) : by_(&by) {}
  Traced(const Traced&) = default;
  ~Traced() { by_->push_back(::gettid()); }

  std::vector<pid_t>* by_;
};

TEST(InNetns, ExceptionOutlivesTheWorkerAndIsDestroyedByTheCaller) {
  BEHAVIOUR("XD14");
  REQUIRES(root);
  const ScratchNetns other;
  std::vector<pid_t> destroyed_by;
  bool alive_in_handler = false;

  try {
    (void)in_netns(Target::process(other.pid()), [&] { throw Traced(destroyed_by); });
  } catch (const Traced&) {
    alive_in_handler = destroyed_by.empty();
  }

  EXPECT_TRUE(alive_in_handler);
  EXPECT_THAT(destroyed_by, ElementsAre(::gettid()));
}

}  // namespace
}  // namespace nsgate::test
