// SPDX-License-Identifier: Apache-2.0
#include "support/thread_state.h"

#include <sched.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace nsgate::test {
namespace {

char state_of(pid_t tid) {
  std::ifstream stat("/proc/self/task/" + std::to_string(tid) + "/stat");
  std::string line;
  std::getline(stat, line);
  // The name before it may hold anything, parentheses included (proc_pid_stat(5)).
  const auto name_end = line.rfind(')');
  return name_end == std::string::npos ? 'X' : line.at(name_end + 2);
}

}  // namespace

void wait_until_asleep(pid_t tid) {
  for (char state = state_of(tid); state == 'R' || state == 'D'; state = state_of(tid)) {
    ::sched_yield();
  }
}

void wait_until_single_threaded() {
  using Entries = std::filesystem::directory_iterator;
  while (std::distance(Entries("/proc/self/task"), Entries()) > 1) ::sched_yield();
}

}  // namespace nsgate::test
