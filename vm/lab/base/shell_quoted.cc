// SPDX-License-Identifier: Apache-2.0
#include "lab/base/shell_quoted.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace nsgate::lab {

std::string shell_quoted(const std::string& word) {
  const auto harmless = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_./:=+,@%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, harmless)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace nsgate::lab
