// SPDX-License-Identifier: Apache-2.0
//
// Whether a person looks at stdout and wants colours there (https://no-color.org).
#pragma once

#include <unistd.h>

#include <cstdlib>

namespace nsgate::lab {

inline bool stdout_wants_colour() {
  const char* const no_color = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

}  // namespace nsgate::lab
