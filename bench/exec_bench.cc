// SPDX-License-Identifier: Apache-2.0
//
// The exec strategy beside its floor. The argument is the caller's resident memory: the cost must
// not grow with it.
#include <benchmark/benchmark.h>

#include <string>
#include <system_error>

#include "floor_program.h"
#include "nsgate/exec.h"
#include "resident_memory.h"
#include "skip.h"
#include "support/namespaces.h"

namespace nsgate::bench {
namespace {

void with_caller_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("caller_mib")->Arg(8)->Arg(256)->Arg(2048)->Arg(8192)->UseRealTime();
}

ResidentMemory caller_of(const benchmark::State& state) {
  return ResidentMemory(static_cast<std::size_t>(state.range(0)));
}

bool succeeded(const Result<Finished>& ended) { return ended && ended->succeeded(); }

std::string failure_of(const Result<Finished>& ended) {
  return ended ? nothing() + " did not exit with 0" : ended.error().message();
}

void BM_Exec_Floor_PosixSpawn(benchmark::State& state) {
  const ResidentMemory caller = caller_of(state);
  const std::string program = nothing();
  for (auto _ : state) {
    if (const int error = spawn_with_capture(program); error != 0) {
      skip_as_failed(state, program + ": " + std::generic_category().message(error));
      break;
    }
  }
}
BENCHMARK(BM_Exec_Floor_PosixSpawn)->Apply(&with_caller_sizes);

void BM_Exec_ExecInNetns(benchmark::State& state) {
  const auto other = make_or_skip<test::ScratchNetns>(state, "root");
  if (!other) return;
  const ResidentMemory caller = caller_of(state);
  const auto target = Target::process(other->pid());
  const Command command{.argv = {nothing()}};
  for (auto _ : state) {
    if (const auto ended = exec_in_netns(target, command); !succeeded(ended)) {
      skip_as_failed(state, failure_of(ended));
      break;
    }
  }
}
BENCHMARK(BM_Exec_ExecInNetns)->Apply(&with_caller_sizes);

void BM_Exec_ExecInUserNetns(benchmark::State& state) {
  const auto other = make_or_skip<test::UserScratch>(state, "user namespaces");
  if (!other) return;
  const ResidentMemory caller = caller_of(state);
  const auto target = UserTarget::process(other->pid());
  const Command command{.argv = {nothing()}};
  for (auto _ : state) {
    if (const auto ended = exec_in_user_netns(target, command); !succeeded(ended)) {
      skip_as_failed(state, failure_of(ended));
      break;
    }
  }
}
BENCHMARK(BM_Exec_ExecInUserNetns)->Apply(&with_caller_sizes);

}  // namespace
}  // namespace nsgate::bench
