// SPDX-License-Identifier: Apache-2.0
//
// One test in a process of its own, on the machine of whoever runs the program: as the guest's init
// runs it (vm/guest/test_process.h), but for what only PID 1 of a machine of its own may do.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>

#include "lab/machine/frame_body.h"

namespace nsgate::alone {

/// The file that this process executes, or how it was called where there is no /proc.
std::filesystem::path own_program();

/// To be called once, while there is one thread: makes this process the parent of whatever the
/// tests leave behind, and lets interrupts wait until run_test() looks for them.
void prepare_to_run_tests();

struct Ran {
  lab::TestEnd end;
  bool interrupted = false;  ///< SIGINT, SIGTERM or SIGHUP came; the test was killed
};

/// Runs the test in a session and an empty directory of its own, with nothing to read, and kills
/// whatever is left of it after its end or after the deadline. The error says why it could not be
/// started.
std::expected<Ran, std::string> run_test(const std::string& test,
                                         std::chrono::milliseconds deadline);

}  // namespace nsgate::alone
