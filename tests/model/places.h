// SPDX-License-Identifier: Apache-2.0
//
// Places in a Model's lists, for its implementation.
#pragma once

#include <cstddef>

#include "model/model.h"

namespace nsgate::model {

using Type = Descriptor::Type;

inline std::size_t at(int place) { return static_cast<std::size_t>(place); }

inline bool is_namespace(const Descriptor& it) {
  return it.type == Type::net || it.type == Type::user;
}

/// What it refers to; the first there is for a descriptor of another type, which only a model that
/// lacks a rule asks about.
inline int referred(const Descriptor& it, Type type) { return it.type == type ? it.of : 0; }

}  // namespace nsgate::model
