// SPDX-License-Identifier: Apache-2.0
#include "nsgate/stub_image.h"

asm(".section .rodata\n"
    ".global nsgate_stub_begin\n"
    ".global nsgate_stub_end\n"
    ".hidden nsgate_stub_begin\n"
    ".hidden nsgate_stub_end\n"
    "nsgate_stub_begin: .incbin \"" NSGATE_STUB
    "\"\n"
    "nsgate_stub_end:\n"
    // plan_offset
    ".if nsgate_stub_end - nsgate_stub_begin > 3072\n"
    ".error \"the stub does not fit before its plan\"\n"
    ".endif\n"
    ".previous\n");

extern "C" const char nsgate_stub_begin[];
extern "C" const char nsgate_stub_end[];

namespace nsgate::detail {

std::span<const char> stub_image() noexcept { return {nsgate_stub_begin, nsgate_stub_end}; }

}  // namespace nsgate::detail
