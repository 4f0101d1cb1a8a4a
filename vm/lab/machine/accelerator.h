// SPDX-License-Identifier: Apache-2.0
//
// Which accelerator guests run under, and why. Only a guest that ran decides for KVM: /dev/kvm can
// exist, open and answer, and still hang every guest; such failures come and go on nested hosts.
//
//   auto probe = probe_of_host(qemu, kernel.image, kernel.image_sha256, init);
//   auto verdict = choose_accelerator(AcceleratorChoice::automatic, probe);
//   say(line_of(*verdict));   // tcg: kvm opens, but a guest made no progress in 2 s
//
// Thread-safe, except that two probes at once disturb each other's times.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/base/failure.h"
#include "lab/machine/accelerator_cache.h"
#include "lab/machine/kvm_probe.h"
#include "lab/machine/qemu.h"

namespace nsgate::lab {

enum class AcceleratorChoice { automatic, kvm, tcg };

/// "auto", "kvm" or "tcg"; nothing else.
std::optional<AcceleratorChoice> parse_accelerator_choice(std::string_view text);

struct AcceleratorVerdict {
  Accelerator accelerator = Accelerator::tcg;
  std::string reason;
  bool cached = false;
  std::vector<StageReport> stages{};  ///< those that ran, in order; of a cached one: back then
  std::string note{};                 ///< what a user should hear besides, such as a full disk
};

/// "tcg: there is no /dev/kvm".
std::string line_of(const AcceleratorVerdict& verdict);

/// What is asked of KVM, cheapest first. Tests put others in. A Failure is the lab's own fault and
/// no word about KVM.
struct KvmStages {
  std::function<StageFault()> device;
  std::function<Expected<StageFault>(std::chrono::milliseconds)> real_mode_guest;
  std::function<Expected<StageFault>(std::chrono::milliseconds)> kernel_guest;
};

struct AcceleratorLimits {
  std::chrono::milliseconds real_mode_guest{2000};
  std::chrono::milliseconds kernel_guest{10000};
  std::chrono::milliseconds altogether{14000};  ///< a second boot gets what is left of it
};

struct AcceleratorProbe {
  AcceleratorKey key;  ///< complete, with QEMU and kernel
  KvmStages stages;
  bool virtual_host = false;  ///< then the kernel has to boot twice
  AcceleratorCache cache;
  bool fresh = false;  ///< ask KVM, whatever the cache knows
  AcceleratorLimits limits{};
};

/// The real thing. Without a kernel (an empty path) the last stage fails with could_not_start, so
/// that where KVM fails earlier no kernel is needed for the verdict.
AcceleratorProbe probe_of_host(const Qemu& qemu, const std::filesystem::path& kernel,
                               const std::string& kernel_sha256, const std::filesystem::path& init);

/// `automatic` falls back to TCG and says why. `kvm` never falls back: where KVM does not work the
/// answer is a Failure of code infrastructure. `tcg` asks nothing. A Failure of code
/// could_not_start says that the probe itself could not be made. The device is examined each time,
/// the guests are booted only when the cache does not know; a cache that cannot be written is told
/// in the note.
Expected<AcceleratorVerdict> choose_accelerator(AcceleratorChoice choice,
                                                const AcceleratorProbe& probe);

/// Tells the cache that KVM failed in use, whatever its probe had said.
Expected<void> remember_demotion(const AcceleratorProbe& probe, const std::string& reason);

}  // namespace nsgate::lab
