// SPDX-License-Identifier: Apache-2.0
#include "support/both_ways.h"

#include "nsgate/exec.h"
#include "nsgate/in_netns.h"

namespace nsgate::test {

std::array<Ended, 2> enter_both_ways(const Target& target, const std::string& program) {
  return {how_it_ended(in_netns(target, [] {})),
          how_it_ended(exec_in_netns(target, {.argv = {program, "exit", "0"}}))};
}

}  // namespace nsgate::test
