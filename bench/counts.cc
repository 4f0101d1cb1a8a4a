// SPDX-License-Identifier: Apache-2.0
//
// What an entry costs, beside its floor, in instructions: the only process of a guest whose clock
// counts them (nsgate count). A line each: "count NAME INSTRUCTIONS".
//
//   nsgate count --kernel 6.12
//
// Elsewhere it prints nanoseconds under the same names.
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

#include "floor_program.h"
#include "floor_thread.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "nsgate/resident.h"
#include "resident_memory.h"
#include "support/namespaces.h"

namespace nsgate::bench {
namespace {

std::int64_t clock_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

/// The least of some runs: the others met a timer's interrupt, or a scheduler that let the thread
/// wait which the run before let go on.
void count(const std::string& name, const std::function<bool()>& operation) {
  constexpr int runs = 100;
  std::int64_t least = INT64_MAX;
  for (int i = 0; i < runs; ++i) {
    const auto begin = clock_now();
    if (!operation()) throw std::runtime_error(name + " failed");
    least = std::min(least, clock_now() - begin);
  }
  std::printf("count %s %lld\n", name.c_str(), static_cast<long long>(least));
  std::fflush(stdout);
}

void count_threads(const test::ScratchNetns& other) {
  const auto target = Target::process(other.pid());
  const std::string path = "/proc/" + std::to_string(other.pid()) + "/ns/net";
  count("thread:start_join", [] { return start_and_join() == 0; });
  count("thread:floor_open_start_setns_join_close", [&] { return enter_barely(path) == 0; });
  count("thread:in_netns", [&] { return in_netns(target, [] {}).has_value(); });
  auto resident = Resident::open(target);
  count("thread:resident", [&] { return resident && resident->run([] {}).has_value(); });
}

void count_programs(std::size_t mebibytes, const test::ScratchNetns& other,
                    const test::UserScratch& user) {
  const ResidentMemory memory(mebibytes);
  const std::string program = nothing();
  const Command command{.argv = {program}};
  const std::string size = "@" + std::to_string(mebibytes) + "MiB";
  const auto target = Target::process(other.pid());
  const auto both = UserTarget::process(user.pid());
  const auto succeeded = [](const Result<Finished>& ended) { return ended && ended->succeeded(); };
  count("exec:floor_posix_spawn" + size, [&] { return spawn_with_capture(program) == 0; });
  count("exec:exec_in_netns" + size, [&] { return succeeded(exec_in_netns(target, command)); });
  count("exec:exec_in_user_netns" + size,
        [&] { return succeeded(exec_in_user_netns(both, command)); });
}

void count_all() {
  const test::ScratchNetns other;
  const test::UserScratch user;
  count_threads(other);
  const auto memory = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
                          static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) >>
                      20;
  for (const std::size_t mebibytes : {8u, 256u, 2048u, 8192u}) {
    if (mebibytes < memory * 9 / 10) count_programs(mebibytes, other, user);
  }
}

}  // namespace
}  // namespace nsgate::bench

int main() {
  const bool alone = ::getpid() == 1;
  if (alone) {
    ::mkdir("/proc", 0755);
    ::mount("proc", "/proc", "proc", 0, nullptr);
    ::mkdir("/dev", 0755);
    ::mount("dev", "/dev", "devtmpfs", 0, nullptr);
  }
  int code = 0;
  try {
    nsgate::bench::count_all();
    std::puts("counted");
  } catch (const std::exception& error) {
    std::printf("failed: %s\n", error.what());
    code = 1;
  }
  std::fflush(stdout);
  if (alone) {
    ::sync();
    ::reboot(RB_AUTOBOOT);
  }
  return code;
}
