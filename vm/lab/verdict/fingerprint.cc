// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/fingerprint.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "lab/base/plain_text.h"

namespace nsgate::lab {
namespace {

constexpr std::size_t functions_kept = 5;

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

/// Offsets vanish, every other number becomes "#". Digits within a name ("ipv4", "x64") are part of
/// it, unless the whole word is an address.
std::string without_numbers(std::string_view line) {
  std::string text;
  for (std::size_t at = 0; at < line.size();) {
    if (!is_name(line[at])) {
      text += line[at++];
      continue;
    }
    auto end = at;
    while (end < line.size() && is_name(line[end])) ++end;
    const auto word = line.substr(at, end - at);
    const bool prefixed = word.starts_with("0x");
    const bool address = word.size() >= 8 && std::ranges::all_of(word, is_hex) &&
                         std::ranges::any_of(word, is_digit);
    if (is_digit(word.front()) || prefixed || address) {
      text += '#';
    } else {
      text += word;
    }
    at = end;
  }
  for (const std::string_view offset : {"+#/#"}) {
    for (auto found = text.find(offset); found != text.npos; found = text.find(offset)) {
      text.erase(found, offset.size());
    }
  }
  return text;
}

/// "f" of " f+0x1a/0x2b [module]"; empty for a line that is no reliable frame of a trace. Suffixes
/// of the compiler's clones differ from build to build.
std::string function_on(std::string_view line) {
  const auto start = line.find_first_not_of(' ');
  if (start == line.npos) return {};
  line.remove_prefix(start);
  const auto plus = line.find("+0x");
  if (plus == 0 || plus == line.npos || line.starts_with("? ")) return {};
  const auto name = line.substr(0, plus);
  if (!std::ranges::all_of(name, [](char c) { return is_name(c) || c == '.'; })) return {};
  return std::string(name.substr(0, name.find('.')));
}

}  // namespace

std::string fingerprint_of(std::string_view report) {
  const auto lines = non_empty_lines(report);
  if (lines.empty()) return {};
  std::string text = without_numbers(lines.front());
  std::vector<std::string> functions;
  bool in_trace = false;
  for (const auto line : lines) {
    in_trace = in_trace || line.contains("Call Trace:") || line.contains("Call trace:");
    if (!in_trace || functions.size() == functions_kept) continue;
    if (auto function = function_on(line); !function.empty()) {
      functions.push_back(std::move(function));
    }
  }
  for (std::size_t i = 0; i < functions.size(); ++i) {
    text += (i == 0 ? " | " : " < ") + functions[i];
  }
  return text;
}

}  // namespace nsgate::lab
