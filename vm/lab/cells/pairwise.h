// SPDX-License-Identifier: Apache-2.0
//
// A small set of combinations in which any two values of any two factors meet.
//
//   pairwise({4, 3, 2})   // 12 rows instead of 24: {{0, 0, 0}, {0, 1, 1}, …}
//
// Most faults need two factors at most to show, and a matrix of kernels, profiles, userlands and
// users has too many cells to run them all at each change.
#pragma once

#include <cstddef>
#include <vector>

namespace nsgate::lab {

/// `sizes` says how many values each factor has. Each row holds one value of each factor, counted
/// from 0; every pair of values of two factors is in some row. The same rows for the same sizes; at
/// least the product of the two largest sizes, rarely more. With one factor: each value once; with
/// none, or an empty factor: no row. Greedy: each row takes, factor by factor, the value with the
/// most pairs that are still missing. Thread-safe.
std::vector<std::vector<std::size_t>> pairwise(const std::vector<std::size_t>& sizes);

}  // namespace nsgate::lab
