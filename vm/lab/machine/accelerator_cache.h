// SPDX-License-Identifier: Apache-2.0
//
// What was found out about KVM on this host, so that it is asked once and not by every run.
//
//   AcceleratorCache cache(AcceleratorCache::default_file());
//   if (auto known = cache.find(key)) …
//   cache.put(key, verdict);
//
// A good verdict holds until its key changes; a bad one holds for an hour, so that a host that was
// repaired recovers by itself. A file that cannot be understood is an empty one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/machine/qemu.h"

namespace nsgate::lab {

/// One stage of a probe, for a person who wants to know how the verdict came about.
struct StageReport {
  std::string name;
  std::chrono::milliseconds time{0};
  std::string fault{};  ///< empty where it passed
  friend bool operator==(const StageReport&, const StageReport&) = default;
};

/// What a verdict depends on. One that fell before QEMU was started depends on neither QEMU nor
/// kernel and leaves both empty: it answers for every QEMU and kernel.
struct AcceleratorKey {
  std::string boot_id;      ///< /proc/sys/kernel/random/boot_id
  std::string host_kernel;  ///< uname -r and -v
  uid_t uid = 0;
  std::string qemu{};  ///< program and version
  std::string kernel_sha256{};
  friend bool operator==(const AcceleratorKey&, const AcceleratorKey&) = default;
};

/// Of this host and user, without QEMU and kernel.
AcceleratorKey key_of_host();

struct KnownVerdict {
  Accelerator accelerator;
  std::string reason;
  std::vector<StageReport> stages{};
  friend bool operator==(const KnownVerdict&, const KnownVerdict&) = default;
};

/// Several processes may share one file; of two that write at once, one is forgotten. Thread-safe.
class AcceleratorCache {
 public:
  using Clock = std::chrono::system_clock;
  static constexpr std::chrono::hours bad_verdicts_hold{1};

  /// accelerator.json in the state folder.
  static std::filesystem::path default_file();

  explicit AcceleratorCache(std::filesystem::path file,
                            std::function<Clock::time_point()> now = Clock::now)
      : file_(std::move(file)), now_(std::move(now)) {}

  std::optional<KnownVerdict> find(const AcceleratorKey& key) const;

  /// Replaces what is known of the same key. Fails with could_not_start, naming the file.
  Expected<void> put(const AcceleratorKey& key, const KnownVerdict& verdict) const;

 private:
  std::filesystem::path file_;
  std::function<Clock::time_point()> now_;
};

}  // namespace nsgate::lab
