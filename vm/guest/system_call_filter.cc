// SPDX-License-Identifier: Apache-2.0
#include "guest/system_call_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace nsgate::guest {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t native = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t native = AUDIT_ARCH_AARCH64;
#else
#error "which AUDIT_ARCH_… is this?"
#endif

struct Named {
  std::string_view name;
  std::uint32_t value;
};

constexpr std::array actions{Named{"eperm", SECCOMP_RET_ERRNO | EPERM},
                             Named{"enosys", SECCOMP_RET_ERRNO | ENOSYS},
                             Named{"kill", SECCOMP_RET_KILL_PROCESS}};
constexpr std::array system_calls{Named{"setns", SYS_setns}, Named{"pidfd_open", SYS_pidfd_open},
                                  Named{"clone3", SYS_clone3}, Named{"unshare", SYS_unshare}};

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    if (!word.empty()) found.push_back(word);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return found;
}

}  // namespace

std::expected<SystemCallFilter, std::string> parse_filter(std::string_view text) {
  const auto parts = words(text);
  if (parts.size() < 2) {
    return std::unexpected("a filter is an action and system calls, not \"" + std::string(text) +
                           '"');
  }
  const auto action = std::ranges::find(actions, parts[0], &Named::name);
  if (action == actions.end()) {
    return std::unexpected("a filter answers eperm, enosys or kill, not " + std::string(parts[0]));
  }
  SystemCallFilter filter{.action = action->value, .numbers = {}};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto call = std::ranges::find(system_calls, parts[i], &Named::name);
    if (call == system_calls.end()) {
      return std::unexpected("filters know no system call " + std::string(parts[i]));
    }
    filter.numbers.push_back(call->value);
  }
  return filter;
}

std::vector<sock_filter> filter_program(const SystemCallFilter& filter) {
  std::vector<sock_filter> program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, native, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, filter.action),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  for (const auto number : filter.numbers) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, filter.action));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return program;
}

}  // namespace nsgate::guest
