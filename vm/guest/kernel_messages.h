// SPDX-License-Identifier: Apache-2.0
//
// Init's ear on the kernel's log (/dev/kmsg), which a lowered console level cannot deafen.
//
//   KernelMessages messages;
//   messages.mark(frame::start_mark, "InNetns.Returns");
//   … the test runs …
//   const auto said = messages.take();   // what the kernel warned of since the last call
//
// REQUIRES: printk.devkmsg=on on the kernel's command line; otherwise printk drops the marks beyond
// ten in five seconds (Documentation/admin-guide/kernel-parameters.txt). Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nsgate::guest {

struct KernelWarnings {
  std::string text;        ///< messages of level warning and graver, one a line; the first 8 KiB,
                           ///< and further beginnings of splats up to 16 KiB
  std::uint64_t lost = 0;  ///< at least so many messages were overwritten before they were read
  bool splat = false;      ///< one of them begins a splat
};

class KernelMessages {
 public:
  /// Opens the log at its end: what the boot said is on the console. Gives up where it cannot.
  KernelMessages();
  KernelMessages(const KernelMessages&) = delete;
  KernelMessages& operator=(const KernelMessages&) = delete;
  ~KernelMessages();

  /// Writes one line into the kernel's log, and so on the console.
  void mark(std::string_view what, std::string_view test) const;

  KernelWarnings take();

  /// Puts the console's level back to that of the command line (loglevel=7), which a test of root
  /// may have lowered: what comes after its end is told by the console alone.
  void restore_console() const;

 private:
  int fd_ = -1;
};

/// /proc/sys/kernel/tainted (Documentation/admin-guide/tainted-kernels.rst).
std::uint64_t taint();

}  // namespace nsgate::guest
