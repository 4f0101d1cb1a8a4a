// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/accelerator_for_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Choice = AcceleratorChoice;

constexpr auto kvm = Accelerator::kvm;
constexpr auto tcg = Accelerator::tcg;
const AcceleratorVerdict good{.accelerator = kvm, .reason = "a guest booted", .cached = true};
const AcceleratorVerdict bad{.accelerator = tcg, .reason = "there is no /dev/kvm"};

class ForRun : public testing::Test {
 protected:
  AcceleratorForRun run(Choice choice, const AcceleratorVerdict& verdict) {
    return {choice, verdict, [this](const std::string& reason) -> Expected<void> {
              told.push_back(reason);
              if (disk_full) return could_not_start("no space");
              return {};
            }};
  }

  std::vector<std::string> told;
  bool disk_full = false;
};

TEST_F(ForRun, StartsWithTheVerdict) {
  EXPECT_EQ(run(Choice::automatic, good).accelerator(), kvm);
  EXPECT_EQ(line_of(run(Choice::automatic, bad).verdict()), "tcg: there is no /dev/kvm");
}

TEST_F(ForRun, CellIsTriedOnceMoreWithKvmAndThenKvmIsBad) {
  auto accelerator = run(Choice::automatic, good);
  EXPECT_EQ(accelerator.note_infrastructure_fault("6.1-root", kvm, "did not boot"), kvm);
  EXPECT_EQ(accelerator.accelerator(), kvm);
  EXPECT_THAT(told, IsEmpty());

  EXPECT_EQ(accelerator.note_infrastructure_fault("6.1-root", kvm, "QEMU exited with 1"), tcg);
  EXPECT_EQ(accelerator.accelerator(), tcg);
  EXPECT_EQ(line_of(accelerator.verdict()),
            "tcg: demoted: kvm failed twice in 6.1-root, at last: QEMU exited with 1");
  EXPECT_FALSE(accelerator.verdict().cached);
  EXPECT_THAT(told, ElementsAre(accelerator.verdict().reason));
}

TEST_F(ForRun, TwoCellsMakeTwoFaults) {
  auto accelerator = run(Choice::automatic, good);
  EXPECT_EQ(accelerator.note_infrastructure_fault("a", kvm, "x"), kvm);
  EXPECT_EQ(accelerator.note_infrastructure_fault("b", kvm, "y"), tcg);
  EXPECT_THAT(accelerator.verdict().reason, HasSubstr("kvm failed in a and in b, at last: y"));
}

TEST_F(ForRun, GuestThatWasStillUnderKvmGetsTcgAndTheCacheIsToldOnce) {
  auto accelerator = run(Choice::automatic, good);
  accelerator.note_infrastructure_fault("a", kvm, "x");
  accelerator.note_infrastructure_fault("b", kvm, "y");
  EXPECT_EQ(accelerator.note_infrastructure_fault("c", kvm, "z"), tcg);
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(ForRun, UnderTcgTheResultStands) {
  auto accelerator = run(Choice::automatic, good);
  EXPECT_EQ(accelerator.note_infrastructure_fault("a", tcg, "x"), std::nullopt);
  EXPECT_EQ(accelerator.accelerator(), kvm);
}

TEST_F(ForRun, KvmThatWasAskedForIsNeverLeft) {
  auto accelerator = run(Choice::kvm, good);
  for (const char* cell : {"a", "b", "c"}) {
    EXPECT_EQ(accelerator.note_infrastructure_fault(cell, kvm, "x"), kvm);
    EXPECT_EQ(accelerator.note_infrastructure_fault(cell, kvm, "x"), std::nullopt);
  }
  EXPECT_EQ(accelerator.accelerator(), kvm);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(ForRun, CacheThatCannotBeToldIsNoted) {
  disk_full = true;
  auto accelerator = run(Choice::automatic, good);
  accelerator.note_infrastructure_fault("a", kvm, "x");
  EXPECT_EQ(accelerator.note_infrastructure_fault("a", kvm, "x"), tcg);
  EXPECT_THAT(accelerator.verdict().note, HasSubstr("no space"));
}

TEST_F(ForRun, ManyCellsAtOnceDemoteOnce) {
  auto accelerator = run(Choice::automatic, good);
  std::atomic<int> again = 0;
  {
    std::vector<std::jthread> cells;
    for (int i = 0; i < 8; ++i) {
      cells.emplace_back([&, i] {
        if (accelerator.note_infrastructure_fault(std::to_string(i), kvm, "x") == kvm) ++again;
      });
    }
  }
  EXPECT_EQ(again, 1);
  EXPECT_EQ(told.size(), 1u);
}

}  // namespace
}  // namespace nsgate::lab
