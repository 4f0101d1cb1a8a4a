// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/accelerator_for_run.h"

#include <utility>

namespace nsgate::lab {

AcceleratorForRun::AcceleratorForRun(
    AcceleratorChoice choice, AcceleratorVerdict verdict,
    std::function<Expected<void>(const std::string& reason)> tell_cache)
    : choice_(choice), tell_cache_(std::move(tell_cache)), verdict_(std::move(verdict)) {}

Accelerator AcceleratorForRun::accelerator() const {
  const std::lock_guard lock(mutex_);
  return verdict_.accelerator;
}

AcceleratorVerdict AcceleratorForRun::verdict() const {
  const std::lock_guard lock(mutex_);
  return verdict_;
}

std::optional<Accelerator> AcceleratorForRun::note_infrastructure_fault(const std::string& cell,
                                                                        Accelerator used,
                                                                        const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (used == Accelerator::tcg) return std::nullopt;
  if (choice_ == AcceleratorChoice::kvm) {
    return tried_again_.insert(cell).second ? std::optional(Accelerator::kvm) : std::nullopt;
  }
  if (tried_again_.empty()) {
    tried_again_.insert(cell);
    return Accelerator::kvm;
  }
  // A guest that was started before KVM was given up may fail after it.
  if (verdict_.accelerator == Accelerator::kvm) demote(cell, what);
  return Accelerator::tcg;
}

void AcceleratorForRun::demote(const std::string& cell, const std::string& what) {
  const auto& first = *tried_again_.begin();
  const auto where = first == cell ? "twice in " + cell : "in " + first + " and in " + cell;
  verdict_.accelerator = Accelerator::tcg;
  verdict_.reason = "demoted: kvm failed " + where + ", at last: " + what;
  verdict_.cached = false;
  if (const auto told = tell_cache_(verdict_.reason); !told) {
    verdict_.note = told.error().message + "; so the next run may try kvm again";
  }
}

}  // namespace nsgate::lab
