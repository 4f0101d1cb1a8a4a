// SPDX-License-Identifier: Apache-2.0
//
// The fingerprint of a kernel's report: of one line, and the same for the same fault elsewhere.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lab/verdict/fingerprint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string report(reinterpret_cast<const char*>(data), size);
  const auto fingerprint = nsgate::lab::fingerprint_of(report);
  if (fingerprint.contains('\n')) std::abort();
  // A title without functions has no numbers left, so its fingerprint is its own.
  const auto again = nsgate::lab::fingerprint_of(fingerprint);
  if (nsgate::lab::fingerprint_of(again) != again) std::abort();
  return 0;
}
