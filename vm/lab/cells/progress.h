// SPDX-License-Identifier: Apache-2.0
//
// What a person sees on stderr while cells run: on a terminal one line a cell, redrawn; elsewhere
// one line when a cell ends.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "lab/report/results.h"

namespace nsgate::lab {

/// Thread-safe.
class Progress {
 public:
  /// `live`: stderr is a terminal that can move its cursor.
  Progress(const std::vector<Cell>& cells, bool live);

  void booting(std::size_t cell);
  void ended(std::size_t cell, std::size_t tests);
  void done(std::size_t cell, const CellResult& result);

 private:
  struct Line {
    std::string name;
    std::string state;
    std::size_t tests = 0;
    std::size_t ended = 0;
  };

  void draw(std::size_t cell, const std::string& state, std::size_t ended);
  std::string time_left() const;

  const bool live_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::vector<Line> lines_;
  bool drawn_ = false;
};

}  // namespace nsgate::lab
