// SPDX-License-Identifier: Apache-2.0
//
// The accelerator of one run, which may lose KVM on its way: a guest that KVM kills or hangs looks
// like a broken kernel, so two such guests end KVM for the run.
//
//   AcceleratorForRun run(choice, verdict, [&](const auto& why) { return remember_demotion(…); });
//   for (auto use = std::optional(run.accelerator()); use;) {
//     result = run_cell(*use);
//     use = infrastructure_fault(result) ? run.note_infrastructure_fault(name, *use, why)
//                                        : std::nullopt;
//   }
//   say(line_of(run.verdict()));
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "lab/base/failure.h"
#include "lab/machine/accelerator.h"

namespace nsgate::lab {

/// Thread-safe: cells may run side by side.
class AcceleratorForRun {
 public:
  /// `tell_cache` is called once, when KVM is given up.
  AcceleratorForRun(AcceleratorChoice choice, AcceleratorVerdict verdict,
                    std::function<Expected<void>(const std::string& reason)> tell_cache);

  /// For the next guest.
  Accelerator accelerator() const;
  /// Its reason begins with "demoted: " once KVM was given up.
  AcceleratorVerdict verdict() const;

  /// A guest of the cell, run under `used`, gave no verdict about its kernel: it did not boot, made
  /// no progress, its frames broke, or QEMU died. The answer is what to run the cell under once
  /// more, or nothing where its result stands:
  /// - under TCG the result stands;
  /// - the first fault of the run under KVM: KVM, once more, because such faults come and go;
  /// - the second: KVM is bad for the rest of the run, and the cell gets TCG;
  /// - where KVM was asked for, it is never left: each cell gets KVM once more, then its result
  /// stands.
  std::optional<Accelerator> note_infrastructure_fault(const std::string& cell, Accelerator used,
                                                       const std::string& what);

 private:
  void demote(const std::string& cell, const std::string& what);

  const AcceleratorChoice choice_;
  const std::function<Expected<void>(const std::string&)> tell_cache_;
  mutable std::mutex mutex_;
  AcceleratorVerdict verdict_;
  std::set<std::string> tried_again_;
};

}  // namespace nsgate::lab
