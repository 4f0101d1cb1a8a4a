// SPDX-License-Identifier: Apache-2.0
//
// A system call and nothing else: no errno (the child may share its caller's), no cancellation, no
// library. Async-signal-safe. Private to core.
#pragma once

#include <sys/syscall.h>

namespace nsgate::detail {

/// Returns what the kernel returns: an error is -errno.
inline long sys(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                long f = 0) noexcept {
#if defined(__x86_64__)
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
#else
#error \
    "nsgate makes system calls on x86-64 and aarch64 only; other processors need their lines here"
#endif
}

/// clone(2) on a stack of its own, in which the child calls run(argument), which must not return.
/// Returns the pid, or -errno. Not clone(3): a sanitizer's interceptor of it would run in the
/// child, in memory that the child may share.
inline long sys_clone(unsigned long flags, void* stack_end, int* pidfd, void (*run)(void*),
                      void* argument) noexcept {
#if defined(__x86_64__)
  register long r10 asm("r10") = 0;
  register long r8 asm("r8") = 0;
  register void* r12 asm("r12") = argument;
  register auto r13 asm("r13") = run;
  long result;
  asm volatile(
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %%r12, %%rdi\n"
      "call *%%r13\n"
      "hlt\n"
      "1:\n"
      : "=a"(result)
      : "a"(SYS_clone), "D"(flags), "S"(stack_end), "d"(pidfd), "r"(r10), "r"(r8), "r"(r12),
        "r"(r13)
      : "rcx", "r11", "memory");
  return result;
#else
  register long x8 asm("x8") = SYS_clone;
  register auto x0 asm("x0") = static_cast<long>(flags);
  register void* x1 asm("x1") = stack_end;
  register int* x2 asm("x2") = pidfd;
  register long x3 asm("x3") = 0;
  register long x4 asm("x4") = 0;
  register void* x19 asm("x19") = argument;
  register auto x20 asm("x20") = run;
  asm volatile(
      "svc 0\n"
      "cbnz x0, 1f\n"
      "mov x29, xzr\n"
      "mov x0, x19\n"
      "blr x20\n"
      "brk 1\n"
      "1:\n"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x19), "r"(x20)
      : "memory");
  return x0;
#endif
}

/// An address as an argument.
inline long word(const void* address) noexcept { return reinterpret_cast<long>(address); }

}  // namespace nsgate::detail
