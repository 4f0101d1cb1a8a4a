// SPDX-License-Identifier: Apache-2.0
#include "alone/catalogue.h"

asm(".section .rodata\n"
    ".global nsgate_catalogue_begin\n"
    ".global nsgate_catalogue_end\n"
    ".hidden nsgate_catalogue_begin\n"
    ".hidden nsgate_catalogue_end\n"
    "nsgate_catalogue_begin: .incbin \"" NSGATE_CATALOGUE
    "\"\n"
    "nsgate_catalogue_end:\n"
    ".previous\n");

extern "C" const char nsgate_catalogue_begin[];
extern "C" const char nsgate_catalogue_end[];

namespace nsgate::alone {

std::string_view catalogue_text() { return {nsgate_catalogue_begin, nsgate_catalogue_end}; }

}  // namespace nsgate::alone
