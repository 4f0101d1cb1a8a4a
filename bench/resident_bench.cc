// SPDX-License-Identifier: Apache-2.0
//
// The resident worker beside in_netns: back to back, and after a moment in which its worker has
// gone to sleep.
#include <benchmark/benchmark.h>

#include <chrono>

#include "nsgate/in_netns.h"
#include "nsgate/resident.h"
#include "skip.h"
#include "support/namespaces.h"

namespace nsgate::bench {
namespace {

void BM_Enter_Resident(benchmark::State& state) {
  const auto other = make_or_skip<test::ScratchNetns>(state, "root");
  if (!other) return;
  auto resident = Resident::open(Target::process(other->pid()));
  for (auto _ : state) {
    const auto entered = resident ? resident->run([] {}) : std::unexpected(resident.error());
    if (!entered) {
      skip_as_failed(state, entered.error().message());
      break;
    }
  }
}
BENCHMARK(BM_Enter_Resident)->UseRealTime();

/// Either way once, after the caller has been busy with something else.
template <typename Enter>
void after_a_moment(benchmark::State& state, Enter enter) {
  using Clock = std::chrono::steady_clock;
  for (auto _ : state) {
    for (const auto end = Clock::now() + std::chrono::microseconds(200); Clock::now() < end;) {
    }
    const auto begin = Clock::now();
    const Result<void> entered = enter();
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
    if (!entered) {
      skip_as_failed(state, entered.error().message());
      break;
    }
  }
}

void BM_Enter_AfterAMoment_Resident(benchmark::State& state) {
  const auto other = make_or_skip<test::ScratchNetns>(state, "root");
  if (!other) return;
  auto resident = Resident::open(Target::process(other->pid()));
  after_a_moment(
      state, [&] { return resident ? resident->run([] {}) : std::unexpected(resident.error()); });
}
BENCHMARK(BM_Enter_AfterAMoment_Resident)->UseManualTime();

void BM_Enter_AfterAMoment_InNetns(benchmark::State& state) {
  const auto other = make_or_skip<test::ScratchNetns>(state, "root");
  if (!other) return;
  const auto target = Target::process(other->pid());
  after_a_moment(state, [&] { return in_netns(target, [] {}); });
}
BENCHMARK(BM_Enter_AfterAMoment_InNetns)->UseManualTime();

}  // namespace
}  // namespace nsgate::bench
