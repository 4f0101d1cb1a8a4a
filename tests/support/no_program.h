// SPDX-License-Identifier: Apache-2.0
//
// A command that gets as far as entering, whatever the caller may execute and wherever it is
// rooted.
//
//   EXPECT_EQ(answer_of_child([&] { return how_it_ended(exec_in_netns(target, no_program)); }),
//             entered);
#pragma once

#include <cerrno>

#include "nsgate/exec.h"
#include "support/ended.h"

namespace nsgate::test {

/// A directory is never executed.
inline const Command no_program{.argv = {"/"}};

/// How it ends when every namespace was joined.
inline const Ended entered = refused(Stage::exec, EACCES);

}  // namespace nsgate::test
