// SPDX-License-Identifier: Apache-2.0
#include "support/caller_traces.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <string>

#include "support/child_process.h"
#include "support/process_state.h"

namespace nsgate::test {
namespace {

/// Without the heap, which the caller's own allocations move.
std::string mappings() {
  std::string all;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (!line.ends_with("[heap]")) all += line + '\n';
  }
  return all;
}

}  // namespace

volatile int* const watched_page = static_cast<int*>(
    ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

std::ostream& operator<<(std::ostream& out, const Traces& traces) {
  if (traces.state) out << "the process's state changed; ";
  if (traces.memory) out << "its memory changed; ";
  if (traces.mappings) out << "its mappings changed; ";
  if (traces.children) out << "a child is left; ";
  return out << "that is all";
}

Traces traces_of(const std::function<void()>& call) {
  return answer_of_child([&]() -> Traces {
    *watched_page = 1;
    // The unwinder of a static program sorts its tables at the first exception, and keeps them.
    try {
      throw 0;
    } catch (int) {
    }
    const ProcessState state;
    // The first call and the first look may make mappings that stay, such as a buffer of libc's, or
    // what glibc 2.41 keeps for the vDSO's getrandom.
    char random = 0;
    (void)!::getrandom(&random, 1, 0);
    (void)mappings();
    const auto mapped = mappings();
    call();
    siginfo_t info{};
    const bool childless = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) != 0;
    const auto mapped_now = mappings();
    const bool same_mappings = mapped_now == mapped;
    if (!same_mappings) std::cerr << "before:\n" << mapped << "after:\n" << mapped_now;
    return {.state = ProcessState() != state,
            .memory = *watched_page != 1,
            .mappings = !same_mappings,
            .children = !childless};
  });
}

}  // namespace nsgate::test
