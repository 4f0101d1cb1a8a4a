// SPDX-License-Identifier: Apache-2.0
//
// The stub (stub.cc) as the library carries it. Private to core.
#pragma once

#include <span>

namespace nsgate::detail {

/// An ELF program.
std::span<const char> stub_image() noexcept;

}  // namespace nsgate::detail
