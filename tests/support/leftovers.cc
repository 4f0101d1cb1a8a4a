// SPDX-License-Identifier: Apache-2.0
#include "support/leftovers.h"

#include <pthread.h>
#include <sys/wait.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "support/thread_state.h"

namespace nsgate::test {
namespace {

/// Of this process, those that are shared: the C library makes none.
std::string shared_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::string found;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string range;
    std::string rights;
    words >> range >> rights;
    if (rights.ends_with('s')) found += line + '\n';
  }
  return found;
}

int cancellation_state() {
  int state = 0;
  ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
  ::pthread_setcancelstate(state, nullptr);
  return state;
}

}  // namespace

Leftovers::Leftovers() : mappings_(shared_mappings()), cancellation_(cancellation_state()) {}

std::string Leftovers::found() const {
  std::ostringstream found;
  if (::waitpid(-1, nullptr, WNOHANG | __WALL) != -1 || errno != ECHILD) found << "a child\n";
  wait_until_single_threaded();
  if (shared_mappings() != mappings_) found << "a mapping:\n" << shared_mappings();
  if (cancellation_state() != cancellation_) found << "another cancellation state\n";
  if (const ProcessState now; now != state_) found << "was:\n" << state_ << "is:\n" << now;
  return found.str();
}

}  // namespace nsgate::test
