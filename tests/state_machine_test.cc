// SPDX-License-Identifier: Apache-2.0
//
// Random sequences of what can be done to processes, threads, namespaces and descriptors, each step
// predicted by a model (model/model.h): the errno, and where every thread is then.
//
// NSGATE_SEQUENCES says how many, all shards together. A failure prints the line that replays it,
// shrunk:
//
//   RC_PARAMS='reproduce=…' nsgate_tests --gtest_filter=…
//   RC_PARAMS='seed=…' NSGATE_SEQUENCES=10000 nsgate_tests --gtest_filter='*StateMachine*'
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/detail/TestListenerAdapter.h>
#include <string.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>

#include "helper/helper.h"
#include "model/difference.h"
#include "model/trial.h"
#include "support/requirements.h"

namespace nsgate::model {

void showValue(const Operation& operation, std::ostream& out) {
  out << to_string(kind_of(operation)) << " {" << int{operation.kind} << ", "
      << int{operation.actor} << ", " << int{operation.a} << ", " << int{operation.b} << '}';
}

}  // namespace nsgate::model

namespace nsgate::test {
namespace {

using Clock = std::chrono::steady_clock;
using model::Operation;
using model::Rule;

/// A test has to end in time also in an emulated guest.
constexpr int shards = 40;

int sequences() {
  const char* asked = std::getenv("NSGATE_SEQUENCES");
  return asked != nullptr ? std::atoi(asked) : 300;
}

rc::Gen<std::vector<Operation>> any_sequence() {
  // Operands are wishes, as likely large as small, whatever the size of the sequence.
  const auto byte = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint8_t>());
  return rc::gen::scale(0.6, rc::gen::container<std::vector<Operation>>(
                                 rc::gen::construct<Operation>(byte, byte, byte, byte)));
}

/// One line an operation: how often it ended how.
std::string table(const model::Trial& trial) {
  std::ostringstream text;
  for (std::size_t kind = 0; kind < model::kinds; ++kind) {
    text << to_string(static_cast<model::Kind>(kind)) << ':';
    for (const auto& [end, count] : trial.ends()[kind]) {
      text << ' ' << (end.first == 0 ? "success" : ::strerrorname_np(end.first));
      if (end.second >= 0) text << '@' << nsgate::to_string(static_cast<Stage>(end.second));
      text << ' ' << count;
    }
    text << '\n';
  }
  for (std::size_t rule = 0; rule < model::rules; ++rule) {
    text << trial.said()[rule] << ' ' << model::rule_texts[rule].name << '\n';
  }
  return text.str();
}

class StateMachine : public ::testing::TestWithParam<int> {};

TEST_P(StateMachine, KernelAndCoreDoWhatTheModelSays) {
  BEHAVIOUR("TR01 TR02 TR03 TR04 TR05 TR06 TR11 TR12 TR13 TR15 TR18 TR28 TR29 TH01 TH12 UN01 CP04");
  REQUIRES(userns);
  // Threads of the cast end by a raw exit.
  REQUIRES(unsanitized);
  using namespace rc::detail;
  const Configuration& configured = configuration();
  TestParams params = configured.testParams;
  params.seed += static_cast<std::uint64_t>(GetParam());
  params.maxSuccess = (sequences() + shards - 1) / shards;
  TestMetadata metadata;
  metadata.id = "StateMachine/" + std::to_string(GetParam());
  model::Trial trial(model::facts_of_this_machine(), helper());

  TestListenerAdapter nothing;
  // Shrinking may not take the time in which the failure has to be told.
  std::optional<Clock::time_point> enough;
  std::string story;
  const auto result = checkTestable(
      [&] {
        const auto sequence = *any_sequence();
        if (enough && Clock::now() > *enough) return;
        const auto wrong = trial.disagreement(sequence);
        if (wrong && !enough) enough = Clock::now() + std::chrono::seconds(15);
        if (!wrong) return;
        story = *wrong;
        RC_FAIL("the model and the kernel disagree");
      },
      metadata, params, nothing, configured.reproduce);

  if (std::getenv("NSGATE_TALLY") != nullptr) std::cout << table(trial);
  if (result.is<SuccessResult>()) return;
  std::ostringstream text;
  printResultMessage(result, text);
  text << '\n' << story;
  if (result.is<FailureResult>()) {
    Configuration replay;
    replay.reproduce[metadata.id] = result.get<FailureResult>().reproduce;
    text << "\nof shard " << GetParam() << ": RC_PARAMS='" << configToMinimalString(replay)
         << "'\nRC_PARAMS='seed=" << configured.testParams.seed
         << "' NSGATE_SEQUENCES=" << sequences();
  }
  FAIL() << text.str();
}

INSTANTIATE_TEST_SUITE_P(Shard, StateMachine, ::testing::Range(0, shards));

}  // namespace
}  // namespace nsgate::test
