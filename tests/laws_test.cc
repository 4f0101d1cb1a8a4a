// SPDX-License-Identifier: Apache-2.0
//
// Laws: whatever the input, these hold. A failing law prints its seed; RC_PARAMS="reproduce=…"
// replays it.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
