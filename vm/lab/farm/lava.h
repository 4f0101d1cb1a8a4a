// SPDX-License-Identifier: Apache-2.0
//
// Cells as job definitions of LAVA, one YAML document each. They ask for a device of type "ssh"
// (LAVA's "primary SSH connection"): a machine that is up and has nsgate, which runs the guests.
// Thread-safe. Source: LAVA's documentation, "Deploy action reference", to: ssh; "Lava-Test Test
// Definition 1.0"; the helper lava-test-case.
#pragma once

#include <string>
#include <vector>

#include "lab/cells/cell_spec.h"

namespace nsgate::lab {

/// Every value is written as JSON, which YAML 1.2 contains: nothing in a name or a path is read as
/// something else. nsgate's exit code becomes pass, fail, skip or unknown.
std::string lava_jobs(const std::vector<CellSpec>& cells);

}  // namespace nsgate::lab
