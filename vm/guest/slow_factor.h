// SPDX-License-Identifier: Apache-2.0
//
// How slow this guest is: an emulated or crowded machine gets more time before it is said to hang.
#pragma once

namespace nsgate::guest {

/// The time of a fixed piece of work (system calls, and pipes made) against that on an
/// undisturbed machine of reference under TCG, in thousandths: 1000 is as fast or faster, 3000
/// three times as slow, never less than 1000 nor more than 20000. Takes some 20 ms there.
unsigned measure_slow_factor();

}  // namespace nsgate::guest
