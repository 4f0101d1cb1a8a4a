// SPDX-License-Identifier: Apache-2.0
//
// The thread strategy beside what it consists of.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "floor_thread.h"
#include "nsgate/in_netns.h"
#include "skip.h"
#include "support/namespaces.h"

namespace nsgate::bench {
namespace {

constexpr const char* needs_root = "root";

std::string meaning(int error) { return std::generic_category().message(error); }

void BM_Enter_Floor_ThreadStartJoin(benchmark::State& state) {
  for (auto _ : state) {
    if (const int error = start_and_join(); error != 0) {
      skip_as_failed(state, "pthread_create: " + meaning(error));
      break;
    }
  }
}
BENCHMARK(BM_Enter_Floor_ThreadStartJoin)->UseRealTime();

void BM_Enter_Floor_OpenClose(benchmark::State& state) {
  const auto other = make_or_skip<test::ScratchNetns>(state, needs_root);
  if (!other) return;
  const std::string path = "/proc/" + std::to_string(other->pid()) + "/ns/net";
  for (auto _ : state) {
    if (const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); !file) {
      skip_as_failed(state, path + ": " + meaning(errno));
      break;
    }
  }
}
BENCHMARK(BM_Enter_Floor_OpenClose)->UseRealTime();

void BM_Enter_Floor_SetnsThereAndBack(benchmark::State& state) {
  const auto other = make_or_skip<test::ScratchNetns>(state, needs_root);
  if (!other) return;
  const Fd there = other->open("ns/net");
  const Fd back(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  for (auto _ : state) {
    if (::setns(there.get(), CLONE_NEWNET) != 0 || ::setns(back.get(), CLONE_NEWNET) != 0) {
      skip_as_failed(state, "setns: " + meaning(errno));
      break;
    }
  }
}
BENCHMARK(BM_Enter_Floor_SetnsThereAndBack)->UseRealTime();

void BM_Enter_Floor_OpenStartSetnsJoinClose(benchmark::State& state) {
  const auto other = make_or_skip<test::ScratchNetns>(state, needs_root);
  if (!other) return;
  const std::string path = "/proc/" + std::to_string(other->pid()) + "/ns/net";
  for (auto _ : state) {
    if (const int error = enter_barely(path); error != 0) {
      skip_as_failed(state, path + ": " + meaning(error));
      break;
    }
  }
}
BENCHMARK(BM_Enter_Floor_OpenStartSetnsJoinClose)->UseRealTime();

void BM_Enter_InNetns(benchmark::State& state) {
  const auto other = make_or_skip<test::ScratchNetns>(state, needs_root);
  if (!other) return;
  const auto target = Target::process(other->pid());
  for (auto _ : state) {
    if (const auto entered = in_netns(target, [] {}); !entered) {
      skip_as_failed(state, entered.error().message());
      break;
    }
  }
}
BENCHMARK(BM_Enter_InNetns)->UseRealTime();

}  // namespace
}  // namespace nsgate::bench
