// SPDX-License-Identifier: Apache-2.0
//
// A small file of /proc. Not by std::ifstream, whose descriptor is not close-on-exec: a program
// that another thread starts meanwhile would inherit it. Private to core. Test:
// InNetns.LeaksNoDescriptor*.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>

#include "nsgate/fd.h"

namespace nsgate::detail {

/// Its text, as far as one page; nothing where it cannot be opened or read.
inline std::optional<std::string> text_of_proc_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 4096> text;
  const auto size = ::read(file.get(), text.data(), text.size());
  if (size < 0) return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(size));
}

}  // namespace nsgate::detail
