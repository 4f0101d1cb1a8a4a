// SPDX-License-Identifier: Apache-2.0
#include "guest/proc.h"

#include "guest/give_up.h"
#include "guest/text_file.h"

namespace nsgate::guest {

std::string read_proc(const std::string& path) {
  auto bytes = read_bytes("/proc/" + path);
  if (!bytes) give_up("read /proc/" + path, bytes.error());
  return std::move(*bytes);
}

}  // namespace nsgate::guest
