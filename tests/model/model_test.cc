// SPDX-License-Identifier: Apache-2.0
//
// The model of tests/model/ by itself: that it is a function of its input, and that each of its
// rules is needed within as many sequences as a change is tested with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "model/difference.h"

namespace nsgate::test {
namespace {

using ::testing::IsEmpty;

using model::Facts;
using model::Operation;
using model::Rule;

/// Those that the tests are run on.
std::vector<Facts> machines() {
  std::vector<Facts> all;
  for (const model::Version kernel :
       {model::Version{5, 10, 262}, {6, 1, 192}, {6, 12, 117}, {7, 2, 13}}) {
    all.push_back({.kernel = kernel, .uid = 0, .privileged = true});
    all.push_back({.kernel = kernel, .uid = 1000, .privileged = false});
    all.push_back(
        {.kernel = kernel, .uid = 0, .privileged = true, .initial = false, .owns_its_net = false});
  }
  return all;
}

std::vector<Operation> sequence(unsigned seed) {
  std::mt19937 random(seed);
  const auto byte = [&random] { return static_cast<std::uint8_t>(random()); };
  std::vector<Operation> operations(random() % 60);
  for (auto& it : operations) it = {byte(), byte(), byte(), byte()};
  return operations;
}

/// With the number of sequences that it took, for whoever asks by NSGATE_TALLY.
bool is_noticed(const Facts& facts, Rule rule, unsigned sequences) {
  for (unsigned seed = 0; seed < sequences; ++seed) {
    if (!tells_apart(facts, rule, sequence(seed))) continue;
    if (std::getenv("NSGATE_TALLY") != nullptr) {
      std::cout << seed + 1 << ' ' << model::text_of(rule).name << '\n';
    }
    return true;
  }
  return false;
}

/// A rule may be about one kernel, or about root alone.
std::set<std::string_view> unnoticed(const std::vector<Facts>& machines, unsigned sequences) {
  std::set<std::string_view> names;
  for (std::size_t rule = 0; rule < model::rules; ++rule) {
    bool noticed = false;
    for (const auto& facts : machines) {
      noticed = noticed || is_noticed(facts, static_cast<Rule>(rule), sequences);
    }
    if (!noticed) names.insert(model::rule_texts[rule].name);
  }
  return names;
}

TEST(Model, EachRuleIsNoticedWithin300SequencesWhenItIsMissing) {
  EXPECT_THAT(unnoticed(machines(), 300), IsEmpty());
}

TEST(Model, SaysTheSameOfTheSame) {
  for (const auto& facts : machines()) {
    for (unsigned seed = 0; seed < 50; ++seed) {
      model::Model one(facts);
      model::Model other(facts);
      for (const auto& operation : sequence(seed)) {
        const auto step = one.resolve(operation);
        (void)other.resolve(operation);
        EXPECT_EQ(one.apply(step).error, other.apply(step).error);
      }
      EXPECT_EQ(one.said(), other.said());
    }
  }
}

/// What who has the same uid and no capability is told of the namespace of a leader that ended
/// while its process was not dumpable, which it is again.
int error_of_a_leader_that_ended_undumpable(const model::Version& kernel) {
  using model::Kind;
  using model::Step;
  model::Model model({.kernel = kernel, .uid = 1000, .privileged = false});
  for (const Step& step :
       {Step{.kind = Kind::start}, Step{.kind = Kind::new_thread, .made = 1},
        Step{.kind = Kind::dumpable, .value = 0}, Step{.kind = Kind::exit_thread},
        Step{.kind = Kind::dumpable, .thread = 1, .value = 1},
        Step{.kind = Kind::start, .made = 1}}) {
    EXPECT_EQ(model.apply(step).error, 0) << step;
  }
  return model.apply({.kind = Kind::open_net, .process = 1}).error;
}

// Random sequences meet this once in ten thousand.
TEST(Model, DumpableIsOfTheThreadThatEndedOrOfItsProcessSince7) {
  EXPECT_EQ(error_of_a_leader_that_ended_undumpable({6, 12, 117}), EACCES);
  EXPECT_EQ(error_of_a_leader_that_ended_undumpable({7, 2, 13}), ENOENT);
}

TEST(Model, EveryByteStringIsASequence) {
  EXPECT_EQ(model::decode(std::vector<std::uint8_t>{}).size(), 0U);
  EXPECT_EQ(model::decode(std::vector<std::uint8_t>(7, 0xFF)).size(), 1U);
}

}  // namespace
}  // namespace nsgate::test
