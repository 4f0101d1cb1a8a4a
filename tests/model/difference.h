// SPDX-License-Identifier: Apache-2.0
//
// Whether two models could be told apart by what a sequence shows of them.
#pragma once

#include <span>

#include "model/model.h"

namespace nsgate::model {

/// Whether `other` says anything else than a whole model: an errno, a stage, where a thread is or
/// what a descriptor refers to. Steps are those of the whole model.
bool tells_apart(const Facts& facts, Rule without, std::span<const Operation> operations);

}  // namespace nsgate::model
