// SPDX-License-Identifier: Apache-2.0
//
// The stub: a static program of a few KiB without a C library, which the child of
// exec_in_user_netns executes from a memfd. It has memory of its own, joins the namespaces there
// and becomes the program. Its arguments and environment are the program's; what else it has to do
// is in its own file, behind its text.
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nsgate/child.h"
#include "nsgate/sys.h"

extern "C" [[noreturn, gnu::used]] void nsgate_stub_main(long* stack) noexcept;

// The kernel enters with argc, argv and envp on the stack and nothing else in place.
#if defined(__x86_64__)
asm(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call nsgate_stub_main\n");
#elif defined(__aarch64__)
asm(".globl _start\n_start:\n mov x0, sp\n bl nsgate_stub_main\n");
#endif

namespace nsgate::detail {
namespace {

constexpr long at_execfn = 31;  // AT_EXECFN, getauxval(3)

/// The descriptor that the stub was executed from: execveat(2) tells it as "/dev/fd/N".
int own_file(const long* aux) noexcept {
  for (; aux[0] != 0 && aux[0] != at_execfn; aux += 2) {
  }
  int number = 0;
  for (const char* text = aux[0] != 0 ? reinterpret_cast<const char*>(aux[1]) : ""; *text != '\0';
       ++text) {
    number = *text >= '0' && *text <= '9' ? number * 10 + (*text - '0') : 0;
  }
  return number;
}

}  // namespace
}  // namespace nsgate::detail

void nsgate_stub_main(long* stack) noexcept {
  using namespace nsgate::detail;
  auto** argv = reinterpret_cast<char**>(stack + 1);
  auto** envp = argv + stack[0] + 1;
  auto** end = envp;
  while (*end != nullptr) ++end;

  const int file = own_file(reinterpret_cast<const long*>(end + 1));
  const long size = sys(SYS_lseek, file, 0, SEEK_END);
  const long message = sys(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (message > 0) {
    sys(SYS_close, file);
    auto& plan = *reinterpret_cast<ChildPlan*>(message + static_cast<long>(plan_offset));
    volatile Record& record = plan.record;
    plan.argv = argv;
    plan.envp = envp;
    sys(SYS_prctl, PR_SET_NAME, word(plan.name));
    // Not before it has its name: who dies without it must not pass for the program.
    record.in_stub = true;
    // execve(2) gives root back what it had dropped, and takes from others what they had.
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const long kept = sys(SYS_capset, word(&header), word(plan.capabilities));
    record.stub_refused = static_cast<int>(-kept);
    if (kept == 0) enter(plan, true);
  }
  while (true) sys(SYS_exit_group, 127);
}
