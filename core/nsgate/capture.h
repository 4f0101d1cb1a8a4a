// SPDX-License-Identifier: Apache-2.0
//
// One captured output stream of a program. Private to core.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "nsgate/fd.h"

namespace nsgate::detail {

/// Keeps the first `limit` bytes that come from a pipe, or hands all to `sink`, and reads on so
/// that the writer never stalls. REQUIRES: the descriptor does not block; or is none, which has
/// ended.
class Capture {
 public:
  using Sink = std::function<void(std::string_view)>;
  Capture(Fd fd, std::size_t limit, Sink sink = nullptr)
      : fd_(std::move(fd)), limit_(limit), sink_(std::move(sink)) {}

  /// Reads what is there now, without waiting: a writer that never stops does not hold the reader.
  void drain();
  /// No writer is left.
  bool ended() const { return !fd_; }
  /// For poll(2), which passes over -1.
  int fd() const { return fd_.get(); }
  bool truncated() const { return truncated_; }
  std::string take() { return std::move(text_); }

 private:
  void keep(std::string_view bytes);

  Fd fd_;
  std::size_t limit_;
  Sink sink_;
  std::string text_;
  bool truncated_ = false;
};

}  // namespace nsgate::detail
