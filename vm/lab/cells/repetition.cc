// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/repetition.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "lab/base/interrupt.h"
#include "lab/verdict/cell_verdict.h"

namespace nsgate::lab {

Expected<Tally> repeat(const Repetition& repetition,
                       const std::function<Expected<ExitCode>(std::size_t number)>& run) {
  Tally tally;
  while (repetition.times == 0 || tally.size() < repetition.times) {
    const auto code = run(tally.size() + 1);
    if (!code && tally.empty()) return std::unexpected(code.error());
    if (!code) {
      // What the runs before it found out is not lost with it.
      tally.push_back(code.error().code);
      break;
    }
    tally.push_back(*code);
    if (*code == ExitCode::interrupted || interrupted()) break;
    if (repetition.until_fail && *code != ExitCode::pass) break;
  }
  return tally;
}

std::string summary(const Tally& tally) {
  constexpr std::size_t shown = 10;
  const auto passed = static_cast<std::size_t>(std::ranges::count(tally, ExitCode::pass));
  auto text =
      fmt::format("{} run{}: {} passed", tally.size(), tally.size() == 1 ? "" : "s", passed);
  std::size_t named = 0;
  for (std::size_t i = 0; i < tally.size() && named < shown; ++i) {
    if (tally[i] == ExitCode::pass) continue;
    text += fmt::format("{}number {} ({})", named == 0 ? "; no pass: " : ", ", i + 1,
                        to_string(tally[i]));
    ++named;
  }
  const auto others = tally.size() - passed - named;
  return others == 0 ? text : text + fmt::format(" and {} more", others);
}

}  // namespace nsgate::lab
