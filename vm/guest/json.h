// SPDX-License-Identifier: Apache-2.0
//
// The little JSON that the bodies of frames need. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace nsgate::guest {

/// A JSON string with its quotation marks, in ASCII. A byte above 0x7e becomes the code point of
/// the same number: the names of tests and kernels are ASCII, and everything else goes by base64.
std::string quote(std::string_view text);

/// RFC 4648, padded.
std::string base64(std::string_view bytes);

}  // namespace nsgate::guest
