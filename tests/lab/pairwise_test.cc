// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/pairwise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace nsgate::lab {
namespace {

using Row = std::vector<std::size_t>;
using testing::IsEmpty;
using testing::SizeIs;

bool meets(const std::vector<Row>& rows, std::size_t f, std::size_t a, std::size_t g,
           std::size_t b) {
  return std::ranges::any_of(rows, [=](const Row& row) { return row[f] == a && row[g] == b; });
}

RC_GTEST_PROP(Pairwise, AnyTwoValuesOfAnyTwoFactorsMeet, ()) {
  const auto sizes = *rc::gen::resize(
      6, rc::gen::nonEmpty(rc::gen::container<Row>(rc::gen::inRange<std::size_t>(1, 7))));
  const auto rows = pairwise(sizes);
  for (const auto& row : rows) {
    RC_ASSERT(row.size() == sizes.size());
    for (std::size_t f = 0; f < row.size(); ++f) RC_ASSERT(row[f] < sizes[f]);
  }
  for (std::size_t f = 0; f < sizes.size(); ++f) {
    for (std::size_t g = f + 1; g < sizes.size(); ++g) {
      for (std::size_t a = 0; a < sizes[f]; ++a) {
        for (std::size_t b = 0; b < sizes[g]; ++b) RC_ASSERT(meets(rows, f, a, g, b));
      }
    }
  }
}

RC_GTEST_PROP(Pairwise, IsFarFromEveryCombination, ()) {
  // Ten factors of four values have a million combinations.
  const Row sizes(10, 4);
  RC_ASSERT(pairwise(sizes).size() < 40u);
}

TEST(Pairwise, TwoFactorsNeedEveryCombination) { EXPECT_THAT(pairwise({3, 4}), SizeIs(12)); }

TEST(Pairwise, OneFactorTakesEachValueOnce) {
  EXPECT_EQ(pairwise({3}), (std::vector<Row>{{0}, {1}, {2}}));
}

TEST(Pairwise, NothingMakesNoRow) {
  EXPECT_THAT(pairwise({}), IsEmpty());
  EXPECT_THAT(pairwise({2, 0}), IsEmpty());
}

}  // namespace
}  // namespace nsgate::lab
