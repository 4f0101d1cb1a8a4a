// SPDX-License-Identifier: Apache-2.0
#include "lab/base/sha256.h"

#include <algorithm>

#include "lab/base/could_not_start.h"
#include "lab/base/process.h"

namespace nsgate::lab {

Expected<std::string> sha256_of(const std::filesystem::path& file) {
  // Without --zero a name with a backslash or a newline changes the form of the answer.
  const auto answer = run({.argv = {"sha256sum", "--zero", "--", file.string()},
                           .extra_env = {},
                           .stderr_file = {},
                           .working_directory = {}});
  if (!answer) return std::unexpected(answer.error());
  const std::string digest = answer->out.substr(0, 64);
  if (!answer->ok() || !is_sha256(digest)) {
    return could_not_start("cannot hash " + file.string() + ": " + answer->err);
  }
  return digest;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace nsgate::lab
