// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/progress.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <iostream>

#include "lab/report/table.h"

namespace nsgate::lab {

Progress::Progress(const std::vector<Cell>& cells, bool live) : live_(live) {
  for (const auto& cell : cells) {
    lines_.push_back({name_of(cell.spec), "waiting", cell.tests.size(), 0});
  }
}

void Progress::booting(std::size_t cell) { draw(cell, "booting", 0); }

void Progress::ended(std::size_t cell, std::size_t tests) {
  draw(cell, fmt::format("{}/{} tests", tests, lines_[cell].tests), tests);
}

void Progress::done(std::size_t cell, const CellResult& result) {
  const auto state =
      fmt::format("{} ({} passed, {} failed, {} skipped, {})", to_string(result.verdict.code),
                  count(result, Status::pass), count(result, Status::fail),
                  count(result, Status::skip), to_text(result.time));
  if (!live_) spdlog::info("{}: {}", lines_[cell].name, state);
  draw(cell, state, lines_[cell].tests);
}

void Progress::draw(std::size_t cell, const std::string& state, std::size_t ended) {
  const std::scoped_lock lock(mutex_);
  auto& line = lines_[cell];
  if (!live_ || line.state == state) return;
  line.state = state;
  line.ended = ended;
  std::string text;
  if (drawn_) text += fmt::format("\x1b[{}A", lines_.size() + 1);
  for (const auto& [name, what, tests, done] : lines_) {
    text += fmt::format("\x1b[2K{}: {}\n", name, what);
  }
  text += "\x1b[2K" + time_left() + '\n';
  std::cerr << text << std::flush;
  drawn_ = true;
}

std::string Progress::time_left() const {
  std::size_t ended = 0;
  std::size_t all = 0;
  for (const auto& line : lines_) {
    ended += line.ended;
    all += line.tests;
  }
  if (ended == 0 || ended == all) return {};
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  return fmt::format("about {:.0f} s left", passed.count() / static_cast<double>(ended) *
                                                static_cast<double>(all - ended));
}

}  // namespace nsgate::lab
