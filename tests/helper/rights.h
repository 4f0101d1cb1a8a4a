// SPDX-License-Identifier: Apache-2.0
//
// The helper's verbs that try what they have a right to. They return exit codes; what they do is
// told in helper.h.
#pragma once

namespace nsgate::test {

int bring_loopback_up();
int join_stdin();

}  // namespace nsgate::test
