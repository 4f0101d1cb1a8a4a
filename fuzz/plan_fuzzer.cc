// SPDX-License-Identifier: Apache-2.0
//
// The plan, which init reads: what is accepted is written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "frame/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto plan = nsgate::frame::parse_plan({reinterpret_cast<const char*>(data), size});
  if (!plan && plan.error().empty()) std::abort();
  if (plan && nsgate::frame::parse_plan(nsgate::frame::encode(*plan)) != *plan) std::abort();
  return 0;
}
