// SPDX-License-Identifier: Apache-2.0
#include "frame/frame.h"

#include <array>
#include <charconv>

namespace nsgate::frame {
namespace {

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
    table[byte] = crc;
  }
  return table;
}

constexpr auto crc_table = make_crc_table();

std::string to_hex(std::uint32_t value) {
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), value, 16).ptr;
  const std::string_view written(digits.begin(), end);
  return std::string(digits.size() - written.size(), '0').append(written);
}

std::uint32_t checksum(const Frame& frame, std::string_view nonce) {
  return crc32(std::string(nonce) + ' ' + std::to_string(frame.sequence) + ' ' + frame.kind + ' ' +
               frame.body);
}

/// Takes the text up to the next blank off the front; nothing when there is no blank.
std::expected<std::string_view, std::string> take_word(std::string_view& line, const char* what) {
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos)
    return std::unexpected(std::string("cut before its ") + what);
  const auto word = line.substr(0, blank);
  line.remove_prefix(blank + 1);
  return word;
}

template <typename T>
std::expected<T, std::string> take_number(std::string_view& line, int base, const char* what) {
  const auto word = take_word(line, what);
  if (!word) return std::unexpected(word.error());
  T value{};
  const auto [end, error] = std::from_chars(word->data(), word->data() + word->size(), value, base);
  if (error != std::errc{} || end != word->data() + word->size()) {
    return std::unexpected(std::string("its ") + what + " is no number");
  }
  return value;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) {
    crc = (crc >> 8) ^ crc_table[(crc ^ static_cast<unsigned char>(c)) & 0xFFu];
  }
  return ~crc;
}

std::string encode(const Frame& frame, std::string_view nonce) {
  const std::size_t length = frame.kind.size() + 1 + frame.body.size();
  return '@' + std::to_string(frame.sequence) + ' ' + to_hex(checksum(frame, nonce)) + ' ' +
         std::to_string(length) + ' ' + frame.kind + ' ' + frame.body + '\n';
}

std::expected<Frame, std::string> decode(std::string_view line, std::string_view nonce) {
  const std::string_view whole = line;
  if (!line.starts_with('@')) return std::unexpected("does not begin with @");
  line.remove_prefix(1);
  Frame frame;
  const auto sequence = take_number<std::uint64_t>(line, 10, "sequence");
  if (!sequence) return std::unexpected(sequence.error());
  frame.sequence = *sequence;
  const auto crc = take_number<std::uint32_t>(line, 16, "checksum");
  if (!crc) return std::unexpected(crc.error());
  const auto length = take_number<std::size_t>(line, 10, "length");
  if (!length) return std::unexpected(length.error());
  if (line.size() != *length) {
    return std::unexpected("holds " + std::to_string(line.size()) + " bytes of " +
                           std::to_string(*length));
  }
  const auto kind = take_word(line, "kind");
  if (!kind) return std::unexpected(kind.error());
  frame.kind = *kind;
  frame.body = line;
  if (checksum(frame, nonce) != *crc) return std::unexpected("its checksum is wrong");
  // Leading zeros and capital digits would be the same frame on another line.
  const std::string canonical = encode(frame, nonce);
  if (whole != std::string_view(canonical).substr(0, canonical.size() - 1)) {
    return std::unexpected("is not written as this program writes it");
  }
  return frame;
}

}  // namespace nsgate::frame
