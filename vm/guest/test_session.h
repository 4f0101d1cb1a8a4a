// SPDX-License-Identifier: Apache-2.0
//
// How the process of a test begins, in a guest and on the machine of whoever runs the tests alone.
//
//   if (const char* step = begin_session(output)) …  // step failed, and errno says why
#pragma once

namespace nsgate::guest {

/// For a child: leaves for a session of its own, with nothing to read and both outputs on this
/// descriptor. Null, or the step that failed with errno set.
const char* begin_session(int output);

}  // namespace nsgate::guest
