// SPDX-License-Identifier: Apache-2.0
//
// Follows one running guest to its end, against the host's clock.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <optional>

#include "lab/base/failure.h"
#include "lab/base/process.h"
#include "lab/machine/frame_reader.h"

namespace nsgate::lab {

/// By the host's clock, but for the test's, which is the guest's own. A guest that says in its
/// hello how slow it is gets as much more of `silence`, `cell` and `test`; before, nobody can know.
struct Deadlines {
  std::chrono::seconds boot{60};      ///< from QEMU's start to hello
  std::chrono::seconds silence{30};   ///< between two frames
  std::chrono::seconds cell{300};     ///< from QEMU's start to its end, and for each test
  std::chrono::seconds each_test{2};  ///< as much more
  std::chrono::seconds test{45};
};

struct GuestEnd {
  std::optional<Failure> ended_by_lab;    ///< the deadline that made the lab kill the guest
  std::optional<std::string> qemu_fault;  ///< how QEMU ended, unless it exited with 0
};

/// Feeds what the guest sends to `reader` and to `log`, until QEMU ends, a deadline passes, a frame
/// is wrong or nsgate is interrupted (base/interrupt.h); QEMU is gone on return. `progress` is
/// called after each batch of frames.
GuestEnd watch_guest(Process& qemu, FrameReader& reader, const Deadlines& deadlines,
                     std::ostream& log, const std::function<void()>& progress);

}  // namespace nsgate::lab
