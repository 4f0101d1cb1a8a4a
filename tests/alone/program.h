// SPDX-License-Identifier: Apache-2.0
//
// The main of the behaviour tests. Called by the lab or by CTest, with GoogleTest's options, it is
// a GoogleTest program; called by a person it is `nsgate-tests` (tests/README.md).
#pragma once

namespace nsgate::alone {

int main(int argc, char** argv);

}  // namespace nsgate::alone
