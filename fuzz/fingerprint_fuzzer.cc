// SPDX-License-Identifier: Apache-2.0
//
// The fingerprint of a kernel's report: one line, whose title has no numbers left.
#include <cctype>
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
  // No number is left of the title.
  const auto title = fingerprint.substr(0, fingerprint.find(" | "));
  bool in_word = false;
  for (const char c : title) {
    const auto byte = static_cast<unsigned char>(c);
    if (!in_word && std::isdigit(byte) != 0) std::abort();
    in_word = std::isalnum(byte) != 0 || c == '_';
  }
  return 0;
}
