// SPDX-License-Identifier: Apache-2.0
#include "model/capability_step.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "model/model.h"

namespace nsgate::model {
namespace {

/// The kernel's capabilities that one of the model's stands for.
std::uint64_t capabilities_of(Caps caps) {
  constexpr auto bit = [](int number) { return std::uint64_t{1} << number; };
  constexpr std::uint64_t ids = bit(CAP_SETUID) | bit(CAP_SETGID);
  constexpr std::uint64_t files = bit(CAP_DAC_OVERRIDE) | bit(CAP_DAC_READ_SEARCH);
  constexpr std::uint64_t named = bit(CAP_SYS_ADMIN) | bit(CAP_SYS_PTRACE) | bit(CAP_NET_ADMIN) |
                                  bit(CAP_SETFCAP) | ids | files;
  std::uint64_t all = 0;
  if ((caps & sys_admin) != 0) all |= bit(CAP_SYS_ADMIN);
  if ((caps & sys_ptrace) != 0) all |= bit(CAP_SYS_PTRACE);
  if ((caps & net_admin) != 0) all |= bit(CAP_NET_ADMIN);
  if ((caps & setfcap) != 0) all |= bit(CAP_SETFCAP);
  if ((caps & set_ids) != 0) all |= ids;
  if ((caps & dac) != 0) all |= files;
  if ((caps & rest) != 0) all |= ~named;
  return all;
}

struct Sets {
  std::array<__user_cap_data_struct, 2> halves{};
  static __user_cap_header_struct header() { return {_LINUX_CAPABILITY_VERSION_3, 0}; }
  long get() {
    auto ask = header();
    return ::syscall(SYS_capget, &ask, halves.data());
  }
  long set() {
    auto ask = header();
    return ::syscall(SYS_capset, &ask, halves.data());
  }
};

}  // namespace

int change_capabilities(const Step& it) {
  Sets sets;
  if (sets.get() != 0) return errno;
  const auto kept =
      it.kind == Kind::raise ? ~std::uint64_t{0} : ~capabilities_of(static_cast<Caps>(it.value));
  for (std::size_t half = 0; half < 2; ++half) {
    auto& set = sets.halves[half];
    const auto mask = static_cast<std::uint32_t>(kept >> (32 * half));
    if (it.kind == Kind::raise) {
      set.effective = set.permitted;
    } else {
      set.effective &= mask;
      if (!it.odd) set.permitted &= mask;
    }
    // What is not permitted need not be inheritable, and exec of a child may not bring it back.
    set.inheritable &= set.permitted;
  }
  return sets.set() != 0 ? errno : 0;
}

}  // namespace nsgate::model
