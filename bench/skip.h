// SPDX-License-Identifier: Apache-2.0
//
// How a benchmark gives up: "needs …" when the user may not do it, "failed: …" when it went wrong,
// which the smoke test tells apart.
#pragma once

#include <benchmark/benchmark.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include "nsgate/error.h"

namespace nsgate::bench {

inline void skip_as_failed(benchmark::State& state, const std::string& why) {
  state.SkipWithError(("failed: " + why).c_str());
}

/// A namespace to enter; or nothing, and the benchmark is skipped.
template <typename Scratch>
std::unique_ptr<Scratch> make_or_skip(benchmark::State& state, const char* need) {
  try {
    return std::make_unique<Scratch>();
  } catch (const std::system_error& error) {
    if (error.code().value() == EPERM) {
      state.SkipWithError((std::string("needs ") + need + ": " + error.what()).c_str());
    } else {
      skip_as_failed(state, error.what());
    }
  }
  return nullptr;
}

}  // namespace nsgate::bench
