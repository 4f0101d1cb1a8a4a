// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/tiers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

class Tiers : public testing::Test {
 protected:
  const ScratchFolder folder;

  Expected<std::vector<TierPart>> load(const std::string& text) {
    return load_tiers(folder.write("tiers.toml", text));
  }
  std::string error(const std::string& text) {
    const auto tiers = load(text);
    return tiers ? "no error" : tiers.error().message;
  }
};

TEST_F(Tiers, ProductHoldsEveryCombinationInOrder) {
  const auto tiers =
      load("[[part]]\ntier = \"t\"\nkernels = [\"a\", \"b\"]\nprofiles = [\"p\", \"q\"]\n");
  ASSERT_TRUE(tiers) << tiers.error().message;
  const auto cells = cells_of(*tiers, "t");
  ASSERT_TRUE(cells);
  ASSERT_THAT(*cells, SizeIs(8));
  EXPECT_EQ(name_of(cells->front()), "a-root-p");
  EXPECT_EQ(name_of(cells->back()), "b-rootless-q");
}

TEST_F(Tiers, PairwiseIsSmallerThanTheProduct) {
  const std::string lists =
      "kernels = [\"a\", \"b\", \"c\"]\nprofiles = [\"p\", \"q\", \"r\"]\n"
      "userlands = [\"x\", \"y\", \"z\"]\n";
  const auto tiers = load("[[part]]\ntier = \"all\"\n" + lists +
                          "[[part]]\ntier = \"few\"\ncover = \"pairwise\"\n" + lists);
  ASSERT_TRUE(tiers) << tiers.error().message;
  EXPECT_THAT(*cells_of(*tiers, "all"), SizeIs(54));
  EXPECT_LE(cells_of(*tiers, "few")->size(), 12u);
}

TEST_F(Tiers, ShardsSplitACell) {
  const auto tiers =
      load("[[part]]\ntier = \"t\"\nkernels = [\"a\"]\nusers = [\"root\"]\nshards = 2\n");
  const auto cells = cells_of(*tiers, "t");
  ASSERT_THAT(*cells, SizeIs(2));
  EXPECT_EQ((*cells)[1].shard, (Shard{2, 2}));
}

TEST_F(Tiers, EnvironmentOfAPartIsThatOfItsCells) {
  const std::string part = "[[part]]\ntier = \"t\"\nkernels = [\"a\"]\nusers = [\"root\"]\n";
  const auto cells = cells_of(*load(part + "environment = [\"A=1\", \"B=2\"]\n"), "t");
  ASSERT_THAT(*cells, SizeIs(1));
  EXPECT_THAT(cells->front().environment, testing::ElementsAre("A=1", "B=2"));
}

TEST_F(Tiers, CellOfTwoPartsIsKeptOnce) {
  const std::string part = "[[part]]\ntier = \"t\"\nkernels = [\"a\"]\nusers = [\"root\"]\n";
  EXPECT_THAT(*cells_of(*load(part + part), "t"), SizeIs(1));
}

TEST_F(Tiers, UnknownTierNamesThoseThatThereAre) {
  const auto cells = cells_of(*load("[[part]]\ntier = \"t\"\nkernels = [\"a\"]\n"), "u");
  ASSERT_FALSE(cells);
  EXPECT_THAT(cells.error().message, HasSubstr("no tier is named u; there are: t"));
}

TEST_F(Tiers, EveryMistakeNamesItsLine) {
  EXPECT_THAT(error("[[part]\n"), HasSubstr("tiers.toml:1: "));
  EXPECT_THAT(error("[[part]]\nkernels = [\"a\"]\n"), HasSubstr("`tier` is missing"));
  EXPECT_THAT(error("[[part]]\ntier = \"t\"\n"), HasSubstr("`kernels` is missing"));
  EXPECT_THAT(error("[[part]]\ntier = \"t\"\nkernels = [1]\n"),
              AllOf(HasSubstr("tiers.toml:3: "), HasSubstr("no name")));
  EXPECT_THAT(error("[[part]]\ntier = \"t\"\nkernels = [\"a\"]\ncover = \"most\"\n"),
              HasSubstr("neither \"product\" nor"));
  EXPECT_THAT(error("[[part]]\ntier = \"t\"\nkernels = [\"a\"]\nusers = [\"me\"]\n"),
              HasSubstr("`users` holds me"));
  EXPECT_THAT(error("[[part]]\ntier = \"t\"\nkernels = [\"a\"]\nshards = 0\n"),
              AllOf(HasSubstr("tiers.toml:4: "), HasSubstr("`shards`")));
  EXPECT_THAT(error("[[part]]\ntier = \"t\"\nkernels = [\"a\"]\nkernel = \"b\"\n"),
              AllOf(HasSubstr("tiers.toml:4: "), HasSubstr("`kernel` is unknown")));
  EXPECT_THAT(error("[[part]]\ntier = \"t\"\nkernels = [\"a\"]\nenvironment = [\"A\"]\n"),
              HasSubstr("\"A\" is no NAME=value"));
  EXPECT_THAT(error("other = 1\n"), HasSubstr("something else than [[part]]"));
}

TEST_F(Tiers, ShippedTiersAreReadable) {
  const auto file = std::filesystem::path(__FILE__).parent_path() / "../../vm/tiers.toml";
  const auto tiers = load_tiers(file);
  ASSERT_TRUE(tiers) << tiers.error().message;
  for (const char* tier : {"smoke", "pr", "nightly", "full"}) EXPECT_TRUE(cells_of(*tiers, tier));
}

}  // namespace
}  // namespace nsgate::lab
