// SPDX-License-Identifier: Apache-2.0
#include "lab/base/plain_text.h"

#include <algorithm>

namespace nsgate::lab {

std::string plain_text(std::string_view text) {
  std::string plain(text);
  unsigned char before = 0;
  for (char& c : plain) {
    const auto byte = static_cast<unsigned char>(c);
    // U+0080 to U+009F in UTF-8: a terminal may take U+009B for the start of an escape sequence.
    const bool c1 = before == 0xC2 && byte < 0xA0;
    if ((byte < ' ' && c != '\n') || byte == 0x7F || c1) c = '?';
    before = byte;
  }
  return plain;
}

std::vector<std::string_view> non_empty_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace nsgate::lab
