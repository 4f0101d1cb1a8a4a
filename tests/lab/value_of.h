// SPDX-License-Identifier: Apache-2.0
//
// What a step of a test gave; a failure of that step fails the test in the step's own words.
#pragma once

#include <stdexcept>
#include <type_traits>
#include <utility>

#include "lab/base/failure.h"

namespace nsgate::lab {

template <typename T>
T value_of(Expected<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace nsgate::lab
