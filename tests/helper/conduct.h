// SPDX-License-Identifier: Apache-2.0
//
// The helper's verbs that end, stop or linger in an unusual way. They return exit codes; what they
// do is told in helper.h.
#pragma once

#include <string>
#include <vector>

namespace nsgate::test {

int abandon_stdout();
int dump_core();
int flood();
int linger();
int stop(int code);
int write_chunks(const std::vector<std::string>& chunks);

}  // namespace nsgate::test
