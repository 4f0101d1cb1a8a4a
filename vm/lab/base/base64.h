// SPDX-License-Identifier: Apache-2.0
//
// Base64 as the guest writes it (RFC 4648, padded, without line breaks).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nsgate::lab {

/// The bytes, or nothing when `text` is not exactly that encoding of them.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace nsgate::lab
