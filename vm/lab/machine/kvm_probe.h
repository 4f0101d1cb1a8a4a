// SPDX-License-Identifier: Apache-2.0
//
// The first two stages of the question whether KVM works here: the device, and the smallest guest
// there can be. /dev/kvm can exist, open and answer, and still no guest makes a step.
//
//   if (auto fault = examine_kvm_device("/dev/kvm")) say(*fault);
//
// Interface: Documentation/virt/kvm/api.rst of the kernel (API version 12, frozen since 2.6.22).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "lab/base/failure.h"
#include "lab/machine/guarded_child.h"

namespace nsgate::lab {

/// Why KVM is of no use, as one line for a person; nothing where the stage passed.
using StageFault = std::optional<std::string>;

/// "2 s", "0.25 s".
std::string in_seconds(std::chrono::milliseconds time);

/// What every stage says of a guest that did nothing until its limit.
std::string no_progress(std::chrono::milliseconds limit);

/// Stage 0: is there a device, may this user open it, is it KVM? Microseconds. Thread-safe.
StageFault examine_kvm_device(const std::filesystem::path& device);

/// What to tell a user who may not open the device: the group to join, where joining helps.
std::string explain_refusal(const std::filesystem::path& device, mode_t mode,
                            const std::string& group);

/// What stage 1 does in its child; writes what happened to `report`.
void run_real_mode_guest(const char* device, int report);

/// Stage 1: a virtual machine of one processor and one page, in real mode, which counts to ten
/// million, writes one byte to a port and halts. `guest` is run in a child of its own and killed at
/// the limit; tests give another one. Fails with could_not_start when there can be no child.
/// Thread-safe.
Expected<StageFault> try_real_mode_guest(
    const GuardedLimits& limits, const std::function<void(int report)>& guest = [](int report) {
      run_real_mode_guest("/dev/kvm", report);
    });

/// Whether the host is itself a virtual machine: the flag "hypervisor" of /proc/cpuinfo, which is
/// bit 31 of CPUID 1, ECX. There KVM's failures come and go.
bool host_is_virtual(const std::filesystem::path& cpuinfo = "/proc/cpuinfo");

}  // namespace nsgate::lab
