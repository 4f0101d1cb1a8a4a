// SPDX-License-Identifier: Apache-2.0
//
// A system call and nothing else: no errno (the child may share its caller's), no cancellation, no
// library. Async-signal-safe. Private to core.
#pragma once

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

/// An address as an argument.
inline long word(const void* address) noexcept { return reinterpret_cast<long>(address); }

}  // namespace nsgate::detail
