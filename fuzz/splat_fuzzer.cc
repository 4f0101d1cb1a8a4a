// SPDX-License-Identifier: Apache-2.0
//
// The console of a guest, on which a test of root may write anything, and the fingerprints of what
// is found there.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lab/verdict/fingerprint.h"
#include "lab/verdict/splat.h"

namespace {

void require(bool law) {
  if (!law) std::abort();
}

bool is_plain(std::string_view text) { return text.find('\x1b') == text.npos; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view console(reinterpret_cast<const char*>(data), size);
  const auto log = nsgate::lab::read_kernel_log(console);
  require(is_plain(log.panic) && is_plain(log.last_words));
  for (const auto& splat : log.splats) {
    require(!splat.title.empty() && !splat.fingerprint.empty());
    // 4 KiB and the line that passes them.
    require(splat.text.size() <= 4096 + 1 + size);
    require(is_plain(splat.title) && is_plain(splat.text) && is_plain(splat.fingerprint) &&
            is_plain(splat.test));
    require(!splat.late || !splat.test.empty());
  }
  // A splat cannot be hidden by what a program writes before its line ends.
  constexpr std::string_view splat = "\n[    1.000000] BUG: certain\n";
  const auto after = nsgate::lab::read_kernel_log(std::string(console) + std::string(splat));
  require(!after.splats.empty());
  nsgate::lab::fingerprint_of(console);
  return 0;
}
