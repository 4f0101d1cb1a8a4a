// SPDX-License-Identifier: Apache-2.0
//
// A caller of a given size: what a copy of its page tables costs grows with it.
//
//   const ResidentMemory caller(256);
#pragma once

#include <cstddef>

namespace nsgate::bench {

/// Fills the process up to that many MiB of resident memory while it lives. Throws
/// std::system_error.
class ResidentMemory {
 public:
  explicit ResidentMemory(std::size_t mebibytes);
  ResidentMemory(const ResidentMemory&) = delete;
  ~ResidentMemory();

 private:
  std::size_t size_;
  void* pages_ = nullptr;
};

}  // namespace nsgate::bench
