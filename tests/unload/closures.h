// SPDX-License-Identifier: Apache-2.0
//
// What the library of unload/closures.cc offers, by name (dlsym(3)). It is loaded and unloaded by
// unload/unload_test.cc, and takes core from the program.
#pragma once

#include "nsgate/resident.h"
#include "nsgate/target.h"

namespace nsgate::test {

/// What a closure does inside: the program's code, which stays.
using Visit = void (*)();

extern "C" {
/// in_netns with a closure of the library, which calls visit() and returns 42. What it gives; or
/// -1.
using Enter = int(const Target&, Visit visit);
/// `enter`
Enter nsgate_test_enter;
/// `enter_with_thread_local`: besides, it uses a thread-local object of the library, whose
/// destructor calls the last visit() once more.
Enter nsgate_test_enter_with_thread_local;
/// Throws an exception of a type of the library, derived of std::exception, out of the closure. Its
/// destructor calls visit().
void nsgate_test_throw(const Target& target, Visit visit);
/// A Resident's closure with such a thread-local object.
int nsgate_test_reside(Resident& resident, Visit visit);
}

}  // namespace nsgate::test
