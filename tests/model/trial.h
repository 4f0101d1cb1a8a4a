// SPDX-License-Identifier: Apache-2.0
//
// A sequence of operations, done by a Cast and predicted by a Model, until they disagree.
//
//   Trial trial(facts_of_this_machine(), helper());
//   if (const auto wrong = trial.disagreement(operations)) std::cerr << *wrong;
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "model/cast.h"
#include "model/model.h"

namespace nsgate::model {

/// REQUIRES: /proc.
Facts facts_of_this_machine();

class Trial {
 public:
  /// As Cast.
  Trial(const Facts& facts, std::string helper) : facts_(facts), cast_(std::move(helper)) {}

  /// Nothing, or what happened up to the step that the model was wrong about, and how. `without` is
  /// left out of the model.
  std::optional<std::string> disagreement(std::span<const Operation> operations,
                                          std::optional<Rule> without = std::nullopt);

  /// So often each kind of operation ended so, with the stage of core or -1; and each rule had a
  /// say.
  using Ends = std::map<std::pair<int, int>, int>;
  const std::array<Ends, kinds>& ends() const { return ends_; }
  const std::array<int, rules>& said() const { return said_; }
  int not_done() const { return not_done_; }

 private:
  Facts facts_;
  Cast cast_;
  std::array<Ends, kinds> ends_{};
  std::array<int, rules> said_{};
  int not_done_ = 0;
};

}  // namespace nsgate::model
