// SPDX-License-Identifier: Apache-2.0
//
// Why an entry was refused, in the caller's terms: which right is missing and where, and what would
// work.
#pragma once

#include <span>
#include <string>

#include "enter/request.h"
#include "nsgate/error.h"

namespace nsgate::enter {

/// Does it, in a child.
bool can_join(std::span<const JoinStep> steps);

/// A setns that was refused for lack of a right: which, and what would work, which is found out by
/// doing it. REQUIRES: no thread, and no namespace is joined yet.
std::string explain_refusal(const Request& request);

/// For any error: one line for a person, without the error's own message; empty where there is
/// nothing to add. REQUIRES: the same.
std::string explain(const Request& request, const Error& error);

}  // namespace nsgate::enter
