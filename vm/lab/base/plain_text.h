// SPDX-License-Identifier: Apache-2.0
//
// Text that came out of a guest, made fit for a terminal: a test may print anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nsgate::lab {

/// The same with every control character but the newline as '?', so that no escape sequence of a
/// guest reaches a person's terminal.
std::string plain_text(std::string_view text);

/// The lines without their ends ("\n" or "\r\n"); empty ones are left out.
std::vector<std::string_view> non_empty_lines(std::string_view text);

}  // namespace nsgate::lab
