// SPDX-License-Identifier: Apache-2.0
//
// A catalogue for tests that prove nothing.
#include "alone/catalogue.h"

namespace nsgate::alone {

std::string_view catalogue_text() {
  return R"(
[[behaviour]]
id = "TR01"
claim = "the sample passes"
kernels = "all"
source = "by definition"
modes = ["root", "rootless"]

[[behaviour]]
id = "TR02"
claim = "the sample fails"
kernels = "all"
source = "by definition"
modes = ["root"]

[[behaviour]]
id = "TR03"
claim = "the sample is skipped"
kernels = "all"
source = "by definition"
modes = ["nested"]

[[behaviour]]
id = "TR04"
claim = "what nobody tests"
kernels = "all"
source = "by definition"
left_out = "it is a sample"
)";
}

}  // namespace nsgate::alone
