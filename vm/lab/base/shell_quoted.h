// SPDX-License-Identifier: Apache-2.0
//
// A word for a POSIX shell's command line.
//
//   "rm " + shell_quoted("it's here")   // rm 'it'\''s here'
//
// Thread-safe. Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting.
#pragma once

#include <string>

namespace nsgate::lab {

/// As it is where no character of it means anything to a shell, otherwise in single quotes.
std::string shell_quoted(const std::string& word);

}  // namespace nsgate::lab
