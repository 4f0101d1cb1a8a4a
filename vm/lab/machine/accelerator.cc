// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/accelerator.h"

#include <algorithm>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/machine/probe_guest.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

/// Runs stages one after the other until one fails, and remembers how each went.
class Examination {
 public:
  explicit Examination(const AcceleratorProbe& probe) : probe_(probe) {}

  bool device() {
    return *run("device", [this] { return Expected<StageFault>(probe_.stages.device()); });
  }

  /// Whether all guests ran. Fails where the lab itself is at fault.
  Expected<bool> guests() {
    const auto& limits = probe_.limits;
    const auto real_mode = run(
        "real-mode guest", [&] { return probe_.stages.real_mode_guest(limits.real_mode_guest); });
    if (!real_mode || !*real_mode) return real_mode;
    qemu_matters_ = true;
    for (int boot = 1; boot <= (probe_.virtual_host ? 2 : 1); ++boot) {
      const auto left = std::max(milliseconds(1), limits.altogether - since(start_));
      const auto booted = run("kernel guest " + std::to_string(boot), [&] {
        return probe_.stages.kernel_guest(std::min(limits.kernel_guest, left));
      });
      if (!booted || !*booted) return booted;
    }
    return true;
  }

  KnownVerdict verdict() const {
    if (!stages_.back().fault.empty()) return {Accelerator::tcg, stages_.back().fault, stages_};
    std::string reason = "a guest booted in " + in_seconds(stages_.back().time);
    if (probe_.virtual_host) reason += ", twice because this host is itself virtual";
    return {Accelerator::kvm, reason, stages_};
  }

  AcceleratorKey key() const {
    auto key = probe_.key;
    if (!qemu_matters_) key.qemu = key.kernel_sha256 = "";
    return key;
  }

 private:
  Expected<bool> run(const std::string& name, const std::function<Expected<StageFault>()>& stage) {
    const auto start = Clock::now();
    const auto fault = stage();
    if (!fault) return std::unexpected(fault.error());
    stages_.push_back({.name = name, .time = since(start), .fault = fault->value_or("")});
    return !fault->has_value();
  }

  const AcceleratorProbe& probe_;
  Clock::time_point start_ = Clock::now();
  std::vector<StageReport> stages_;
  bool qemu_matters_ = false;
};

AcceleratorVerdict as_verdict(KnownVerdict known, bool cached) {
  return {.accelerator = known.accelerator,
          .reason = std::move(known.reason),
          .cached = cached,
          .stages = std::move(known.stages)};
}

Expected<AcceleratorVerdict> ask_kvm(const AcceleratorProbe& probe) {
  Examination examination(probe);
  // So quick that it is never taken from the cache: joining the group helps at once.
  if (!examination.device()) return as_verdict(examination.verdict(), false);
  if (!probe.fresh) {
    if (auto known = probe.cache.find(probe.key)) return as_verdict(std::move(*known), true);
  }
  if (const auto ran = examination.guests(); !ran) return std::unexpected(ran.error());
  auto verdict = as_verdict(examination.verdict(), false);
  const auto kept = probe.cache.put(examination.key(), examination.verdict());
  if (!kept) {
    verdict.note = kept.error().message +
                   "; so the next run will probe again: make the folder writable or set "
                   "XDG_STATE_HOME to another";
  }
  return verdict;
}

}  // namespace

std::optional<AcceleratorChoice> parse_accelerator_choice(std::string_view text) {
  if (text == "auto") return AcceleratorChoice::automatic;
  if (text == "kvm") return AcceleratorChoice::kvm;
  if (text == "tcg") return AcceleratorChoice::tcg;
  return std::nullopt;
}

std::string line_of(const AcceleratorVerdict& verdict) {
  return std::string(to_string(verdict.accelerator)) + ": " + verdict.reason;
}

AcceleratorProbe probe_of_host(const Qemu& qemu, const fs::path& kernel,
                               const std::string& kernel_sha256, const fs::path& init) {
  auto key = key_of_host();
  key.qemu = qemu.binary + ' ' + qemu.version;
  key.kernel_sha256 = kernel_sha256;
  const auto boot = [=](milliseconds limit) -> Expected<StageFault> {
    if (!kernel.empty()) return boot_probe_guest({qemu, kernel, init}, limit);
    return could_not_start(
        "kvm opens, but there is no kernel to try it with; fetch one: nsgate kernel fetch");
  };
  return {.key = std::move(key),
          .stages = {.device = [] { return examine_kvm_device("/dev/kvm"); },
                     .real_mode_guest =
                         [](milliseconds limit) { return try_real_mode_guest({.work = limit}); },
                     .kernel_guest = boot},
          .virtual_host = host_is_virtual(),
          .cache = AcceleratorCache(AcceleratorCache::default_file())};
}

Expected<AcceleratorVerdict> choose_accelerator(AcceleratorChoice choice,
                                                const AcceleratorProbe& probe) {
  if (choice == AcceleratorChoice::tcg) {
    return AcceleratorVerdict{.accelerator = Accelerator::tcg, .reason = "as was asked for"};
  }
  auto verdict = ask_kvm(probe);
  if (choice == AcceleratorChoice::automatic || !verdict ||
      verdict->accelerator == Accelerator::kvm) {
    return verdict;
  }
  return std::unexpected(
      Failure{ExitCode::infrastructure,
              "kvm was asked for and does not work: " + verdict->reason +
                  (verdict->cached ? " (cached; nsgate probe --fresh asks again)" : "") +
                  "; --accel auto would take tcg"});
}

Expected<void> remember_demotion(const AcceleratorProbe& probe, const std::string& reason) {
  return probe.cache.put(probe.key, {Accelerator::tcg, reason, {}});
}

}  // namespace nsgate::lab
