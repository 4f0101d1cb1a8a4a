// SPDX-License-Identifier: Apache-2.0
//
// What in_netns returns for each kind of closure. Where it runs is thread_test.cc's subject.
#include "nsgate/in_netns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

#include "support/either_user.h"
#include "support/ended.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

using ::testing::Pointee;

// The types are promised to all, whoever may enter.
struct Immovable {
  Immovable() = default;
  Immovable(const Immovable&) = delete;
};
static_assert(std::is_same_v<InNetnsResult<int (*)()>, Result<int>>);
static_assert(std::is_same_v<InNetnsResult<void (*)()>, Result<void>>);
static_assert(
    std::is_same_v<InNetnsResult<Immovable& (*)()>, Result<std::reference_wrapper<Immovable>>>);
static_assert(std::is_same_v<InNetnsResult<Result<int> (*)()>, Result<int>>);
static_assert(std::is_same_v<InNetnsResult<Result<void> (*)()>, Result<void>>);

TEST(InNetns, ReturnsWhatTheClosureReturns) {
  BEHAVIOUR("XD03");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());

  EXPECT_THAT(in_netns(target, [] { return 42; }), IsOkAndHolds(42));
  EXPECT_THAT(in_netns(target, [] { return std::string("forty-two"); }), IsOkAndHolds("forty-two"));
  EXPECT_THAT(in_netns(target, [] {}), IsOk());
}

TEST(InNetns, ReturnsAMoveOnlyResult) {
  BEHAVIOUR("XD03");
  REQUIRES(root);
  const ScratchNetns other;

  const auto result =
      in_netns(Target::process(other.pid()), [] { return std::make_unique<int>(7); });

  EXPECT_THAT(result, IsOkAndHolds(Pointee(7)));
}

TEST(InNetns, ReturnsAReferenceToTheSameObject) {
  BEHAVIOUR("XD03");
  REQUIRES(root);
  const ScratchNetns other;
  Immovable object;

  const auto result =
      in_netns(Target::process(other.pid()), [&]() -> Immovable& { return object; });

  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(&result->get(), &object);
}

TEST(InNetns, FlattensAResultOfTheClosure) {
  BEHAVIOUR("XD02");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());

  EXPECT_THAT(in_netns(target, []() -> Result<int> { return 42; }), IsOkAndHolds(42));
  EXPECT_THAT(in_netns(target,
                       []() -> Result<int> {
                         return std::unexpected(Error{Stage::exec, ENOENT, "/nope"});
                       }),
              FailsAt(Stage::exec, ENOENT));
}

TEST(InNetns, ClosureIsNotCalledWhenEntryFails) {
  BEHAVIOUR("XD02");
  const OpenFds before;
  bool called = false;

  const auto result = in_netns(Target::path("/no/such/namespace"), [&] { called = true; });

  EXPECT_THAT(result, FailsAt(Stage::open, ENOENT));
  EXPECT_FALSE(called);
  EXPECT_EQ(OpenFds(), before);
}

TEST(InNetns, ClosureIsNotCalledWhenTheNamespaceIsRefused) {
  BEHAVIOUR("CP01");
  struct Seen {
    Ended ended;
    bool called;
  };

  const auto seen = answer_of_child([] {
    become_unprivileged();
    bool called = false;
    const auto result = in_netns(Target::current(), [&] { called = true; });
    return Seen{how_it_ended(result), called};
  });

  EXPECT_EQ(seen.ended, refused(Stage::setns_net, EPERM));
  EXPECT_FALSE(seen.called);
}

}  // namespace
}  // namespace nsgate::test
