// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/pairwise.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

namespace nsgate::lab {
namespace {

using Row = std::vector<std::size_t>;
/// Factor and value, factor and value; the lower factor first.
using Pair = std::tuple<std::size_t, std::size_t, std::size_t, std::size_t>;
using Pairs = std::set<Pair>;

Pair pair_of(std::size_t f, std::size_t value, std::size_t g, std::size_t other) {
  return f < g ? Pair{f, value, g, other} : Pair{g, other, f, value};
}

Pairs all_pairs(const Row& sizes) {
  Pairs pairs;
  for (std::size_t f = 0; f < sizes.size(); ++f) {
    for (std::size_t g = f + 1; g < sizes.size(); ++g) {
      for (std::size_t a = 0; a < sizes[f]; ++a) {
        for (std::size_t b = 0; b < sizes[g]; ++b) pairs.emplace(f, a, g, b);
      }
    }
  }
  return pairs;
}

/// The value of factor f that meets the most missing pairs with the factors already chosen; of
/// equal ones, that with the most missing pairs at all.
std::size_t best_value(std::size_t f, const Row& sizes, const Row& row,
                       const std::vector<bool>& chosen, const Pairs& missing) {
  std::size_t best = 0;
  std::pair<std::size_t, std::size_t> most{};
  for (std::size_t value = 0; value < sizes[f]; ++value) {
    std::size_t now = 0;
    std::size_t later = 0;
    for (std::size_t g = 0; g < sizes.size(); ++g) {
      if (g == f) continue;
      if (chosen[g]) {
        now += missing.count(pair_of(f, value, g, row[g]));
        continue;
      }
      for (std::size_t other = 0; other < sizes[g]; ++other) {
        later += missing.count(pair_of(f, value, g, other));
      }
    }
    if (value == 0 || std::pair{now, later} > most) {
      most = {now, later};
      best = value;
    }
  }
  return best;
}

/// Begins with a pair that is missing, so that every row takes at least one away.
Row next_row(const Row& sizes, const Row& largest_first, const Pairs& missing) {
  Row row(sizes.size());
  std::vector<bool> chosen(sizes.size());
  const auto [f, a, g, b] = *missing.begin();
  row[f] = a;
  row[g] = b;
  chosen[f] = chosen[g] = true;
  for (const auto factor : largest_first) {
    if (chosen[factor]) continue;
    row[factor] = best_value(factor, sizes, row, chosen, missing);
    chosen[factor] = true;
  }
  return row;
}

}  // namespace

std::vector<Row> pairwise(const Row& sizes) {
  if (sizes.empty() || std::ranges::find(sizes, 0u) != sizes.end()) return {};
  std::vector<Row> rows;
  if (sizes.size() == 1) {
    for (std::size_t value = 0; value < sizes[0]; ++value) rows.push_back({value});
    return rows;
  }
  Row largest_first(sizes.size());
  std::iota(largest_first.begin(), largest_first.end(), 0u);
  std::ranges::sort(largest_first, [&](auto f, auto g) {
    return std::pair(sizes[g], f) < std::pair(sizes[f], g);
  });
  Pairs missing = all_pairs(sizes);
  while (!missing.empty()) {
    const auto row = next_row(sizes, largest_first, missing);
    for (std::size_t f = 0; f < row.size(); ++f) {
      for (std::size_t g = f + 1; g < row.size(); ++g) missing.erase({f, row[f], g, row[g]});
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace nsgate::lab
