// SPDX-License-Identifier: Apache-2.0
//
// What a traced system call is about, in words: "setns net", "openat /proc/#/stat".
#pragma once

#include <sys/ptrace.h>
#include <sys/types.h>

#include <string>

namespace nsgate::test {

/// `call` is at its entry, by `tid`, which is stopped. Numbers in paths become "#". A call without
/// a name here is called by its number.
std::string name_of_call(pid_t tid, const __ptrace_syscall_info& call);

}  // namespace nsgate::test
