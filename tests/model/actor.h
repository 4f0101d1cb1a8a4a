// SPDX-License-Identifier: Apache-2.0
//
// One thread of a Cast: what it shares with its director, and what it does.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "model/cast.h"
#include "model/operation.h"

namespace nsgate::model {

/// What an actor is told.
struct Order {
  enum class What : std::uint8_t { step, look, receive, reap } what = What::step;
  Step step{};
  pid_t pid = 0;  ///< of the target
  pid_t tid = 0;  ///< of its thread
};

/// A place in memory that director and actor share. Whose turn it is decides who may touch it.
struct Cell {
  enum Turn : std::uint32_t { actors, directors };
  std::atomic<std::uint32_t> turn;
  Order order;
  Done done;
  Seen seen;
  pid_t pid;
  pid_t tid;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

struct Shared {
  std::array<std::array<Cell, max_threads>, max_processes> cells;
};

/// What all actors know.
struct Script {
  Shared* shared;
  const char* helper;
};

// Numbers of descriptors, which every process of a cast has in common.
inline constexpr int sending_end = 90;
inline constexpr int receiving_end = 91;
inline constexpr int first_slot = 100;

void give_turn(Cell& cell, Cell::Turn turn);
/// False when the time was over first.
bool await_turn(Cell& cell, Cell::Turn turn, int milliseconds);

/// Acts until it is told to exit, or nobody directs any more.
[[noreturn]] void act(const Script& script, int process, int thread);

}  // namespace nsgate::model
