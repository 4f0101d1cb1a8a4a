// SPDX-License-Identifier: Apache-2.0
//
// The third stage of the question whether KVM works here: a real QEMU boots a real kernel with init
// and an empty plan. Init says hello and bye, and ends the machine; the timers, interrupts and
// processor state that this takes are what the small guest (kvm_probe.h) never touches.
#pragma once

#include <chrono>
#include <filesystem>

#include "lab/base/failure.h"
#include "lab/machine/kvm_probe.h"
#include "lab/machine/qemu.h"

namespace nsgate::lab {

struct ProbeGuest {
  Qemu qemu;
  std::filesystem::path kernel;
  std::filesystem::path init;
  Accelerator accelerator = Accelerator::kvm;
};

/// Boots the guest, which has to be gone within the limit. A QEMU that does not even die of SIGKILL
/// is left behind and not waited for. Fails with could_not_start when the fault is the lab's: no
/// scratch folder, no init, no QEMU. Thread-safe.
Expected<StageFault> boot_probe_guest(const ProbeGuest& guest, std::chrono::milliseconds limit);

}  // namespace nsgate::lab
