// SPDX-License-Identifier: Apache-2.0
#include "support/process_state.h"

#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace nsgate::test {
namespace {

constexpr std::string_view thread_directory = "/proc/thread-self/";

bool belongs_to_the_state(std::string_view line) {
  constexpr std::array<std::string_view, 9> beginnings{
      "Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "SigCgt", "Cap", "NoNewPrivs"};
  return std::ranges::any_of(beginnings, [&](auto word) { return line.starts_with(word); });
}

/// A line of the state, without what is no one's choice.
std::string stable_part(const std::string& line) {
  if (!line.starts_with("SigCgt")) return line;
  // glibc catches 32 and 33 from the first thread on (nptl(7)).
  constexpr auto of_glibc = std::uint64_t{3} << 31;
  const auto caught = std::stoull(line.substr(line.find(':') + 1), nullptr, 16);
  return std::to_string(caught & ~of_glibc);
}

int death_signal() {
  int signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &signal);
  return signal;
}

}  // namespace

ProcessState::ProcessState() {
  namespace fs = std::filesystem;
  for (const auto& entry : fs::directory_iterator(fs::path(thread_directory) / "ns")) {
    facts_[entry.path().filename().string()] = fs::read_symlink(entry.path()).string();
  }
  for (const char* link : {"cwd", "root"}) {
    facts_[link] = fs::read_symlink(fs::path(thread_directory) / link).string();
  }
  std::ifstream status(fs::path(thread_directory) / "status");
  for (std::string line; std::getline(status, line);) {
    if (belongs_to_the_state(line)) facts_[line.substr(0, line.find(':'))] = stable_part(line);
  }
  facts_["dumpable"] = std::to_string(::prctl(PR_GET_DUMPABLE));
  facts_["securebits"] = std::to_string(::prctl(PR_GET_SECUREBITS));
  facts_["keepcaps"] = std::to_string(::prctl(PR_GET_KEEPCAPS));
  facts_["death signal"] = std::to_string(death_signal());
}

std::ostream& operator<<(std::ostream& out, const ProcessState& state) {
  for (const auto& [name, value] : state.facts_) out << name << " = " << value << '\n';
  return out << state.fds_;
}

}  // namespace nsgate::test
