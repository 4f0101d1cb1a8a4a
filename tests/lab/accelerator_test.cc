// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/accelerator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/base/could_not_start.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Choice = AcceleratorChoice;
using Calls = std::vector<std::string>;

/// A host whose stages answer what the test says, and remember that they were asked.
class Choose : public testing::Test {
 protected:
  AcceleratorProbe probe() {
    return {.key = {.boot_id = "boot",
                    .host_kernel = "6.1",
                    .uid = 1000,
                    .qemu = "qemu 7.2",
                    .kernel_sha256 = kernel},
            .stages = {.device = [this] { return called("device", device); },
                       .real_mode_guest = [this](milliseconds limit) -> Expected<StageFault> {
                         return called("real " + in_seconds(limit), real_mode_guest);
                       },
                       .kernel_guest = [this](milliseconds limit) -> Expected<StageFault> {
                         limits.push_back(limit);
                         if (lab_fault) return could_not_start(*lab_fault);
                         return called("kernel", kernel_guests.at(limits.size() - 1));
                       }},
            .virtual_host = virtual_host,
            .cache = AcceleratorCache(file),
            .fresh = fresh};
  }
  AcceleratorVerdict choose(Choice choice = Choice::automatic) {
    calls.clear();
    limits.clear();
    return value_of(choose_accelerator(choice, probe()));
  }
  StageFault called(const std::string& stage, StageFault answer) {
    calls.push_back(stage);
    return answer;
  }

  const ScratchFolder folder;
  std::filesystem::path file = folder.path() / "accelerator.json";
  std::string kernel = "ab";
  StageFault device;
  StageFault real_mode_guest;
  std::vector<StageFault> kernel_guests{std::nullopt, std::nullopt};
  std::optional<std::string> lab_fault;
  bool virtual_host = false;
  bool fresh = false;
  Calls calls;
  std::vector<milliseconds> limits;
};

TEST_F(Choose, KvmWhereAllStagesPass) {
  const auto verdict = choose();
  EXPECT_EQ(verdict.accelerator, Accelerator::kvm);
  EXPECT_THAT(line_of(verdict), HasSubstr("kvm: a guest booted in "));
  EXPECT_FALSE(verdict.cached);
  EXPECT_THAT(calls, ElementsAre("device", "real 2 s", "kernel"));
}

TEST_F(Choose, VirtualHostHasToBootTwice) {
  virtual_host = true;
  EXPECT_EQ(choose().accelerator, Accelerator::kvm);
  EXPECT_THAT(calls, ElementsAre("device", "real 2 s", "kernel", "kernel"));

  fresh = true;
  kernel_guests = {std::nullopt, "kvm opens, but it hung the second time"};
  EXPECT_EQ(line_of(choose()), "tcg: kvm opens, but it hung the second time");
}

TEST_F(Choose, AllStagesTogetherStayWithinTheirLimit) {
  virtual_host = true;
  auto tight = probe();
  tight.limits = {.real_mode_guest = 2s, .kernel_guest = 10s, .altogether = 9s};
  value_of(choose_accelerator(Choice::automatic, tight));
  ASSERT_EQ(limits.size(), 2u);
  EXPECT_LE(limits[0], 9s);
  EXPECT_GT(limits[0], 8s);
  EXPECT_LE(limits[1], limits[0]);
}

TEST_F(Choose, MissingDeviceIsTcgAndAsksNoFurther) {
  device = "there is no /dev/kvm";
  EXPECT_EQ(line_of(choose()), "tcg: there is no /dev/kvm");
  EXPECT_THAT(calls, ElementsAre("device"));
}

TEST_F(Choose, HangingGuestIsTcgInTheWordsOfItsStage) {
  real_mode_guest = no_progress(2s);
  const auto verdict = choose();
  EXPECT_EQ(line_of(verdict), "tcg: kvm opens, but a guest made no progress in 2 s");
  ASSERT_EQ(verdict.stages.size(), 2u);
  EXPECT_EQ(verdict.stages[0].fault, "");
  EXPECT_EQ(verdict.stages[1].name, "real-mode guest");
  EXPECT_EQ(verdict.stages[1].fault, verdict.reason);
}

TEST_F(Choose, SecondTimeIsFromTheCache) {
  real_mode_guest = no_progress(2s);
  const auto first = choose();
  const auto second = choose();
  EXPECT_TRUE(second.cached);
  EXPECT_EQ(line_of(second), line_of(first));
  EXPECT_EQ(second.stages, first.stages);
  EXPECT_THAT(calls, ElementsAre("device"));
}

TEST_F(Choose, FaultBeforeQemuHoldsForEveryKernel) {
  real_mode_guest = no_progress(2s);
  choose();
  kernel = "cd";
  EXPECT_TRUE(choose().cached);
}

TEST_F(Choose, VerdictOfAKernelHoldsForThatKernel) {
  kernel_guests = {"kvm opens, but it hung"};
  choose();
  EXPECT_TRUE(choose().cached);
  kernel = "cd";
  EXPECT_FALSE(choose().cached);
}

TEST_F(Choose, FreshAsksAgainAndReplacesWhatWasKnown) {
  real_mode_guest = no_progress(2s);
  choose();
  real_mode_guest = std::nullopt;
  fresh = true;
  EXPECT_EQ(choose().accelerator, Accelerator::kvm);
  fresh = false;
  EXPECT_EQ(choose().accelerator, Accelerator::kvm);
}

TEST_F(Choose, DeviceThatWentAwayIsNotHiddenByTheCache) {
  choose();
  device = "there is no /dev/kvm";
  EXPECT_EQ(line_of(choose()), "tcg: there is no /dev/kvm");
  device = std::nullopt;
  EXPECT_EQ(choose().accelerator, Accelerator::kvm);
}

TEST_F(Choose, KvmNeverFallsBack) {
  real_mode_guest = no_progress(2s);
  const auto verdict = choose_accelerator(Choice::kvm, probe());
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, ExitCode::infrastructure);
  EXPECT_EQ(verdict.error().message,
            "kvm was asked for and does not work: kvm opens, but a guest made no progress in 2 s; "
            "--accel auto would take tcg");
  EXPECT_THAT(choose_accelerator(Choice::kvm, probe()).error().message,
              HasSubstr("(cached; nsgate probe --fresh asks again)"));
}

TEST_F(Choose, KvmThatWorksIsTaken) {
  EXPECT_EQ(choose(Choice::kvm).accelerator, Accelerator::kvm);
}

TEST_F(Choose, TcgAsksNothing) {
  EXPECT_EQ(line_of(choose(Choice::tcg)), "tcg: as was asked for");
  EXPECT_THAT(calls, IsEmpty());
}

TEST_F(Choose, FaultOfTheLabIsNoVerdict) {
  lab_fault = "cannot read init";
  const auto verdict = choose_accelerator(Choice::automatic, probe());
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, ExitCode::could_not_start);
  EXPECT_EQ(verdict.error().message, "cannot read init");
  EXPECT_FALSE(std::filesystem::exists(file)) << "it was cached";
}

TEST_F(Choose, UnwritableStateFolderWorksAndIsTold) {
  file = folder.write("file", "") / "nsgate" / "accelerator.json";
  const auto verdict = choose();
  EXPECT_EQ(verdict.accelerator, Accelerator::kvm);
  EXPECT_THAT(verdict.note, HasSubstr((folder.path() / "file" / "nsgate").string()));
  EXPECT_THAT(verdict.note, HasSubstr("XDG_STATE_HOME"));
}

TEST_F(Choose, DemotionIsRememberedForItsKernel) {
  choose();
  value_of(remember_demotion(probe(), "demoted: it hung"));
  EXPECT_EQ(line_of(choose()), "tcg: demoted: it hung");
  kernel = "cd";
  EXPECT_EQ(choose().accelerator, Accelerator::kvm);
}

TEST(ProbeOfHost, WithoutAKernelIsTheLabsFault) {
  const auto probe = probe_of_host({"qemu", "7.2"}, "", "", "/init");
  const auto booted = probe.stages.kernel_guest(1s);
  ASSERT_FALSE(booted);
  EXPECT_EQ(booted.error().code, ExitCode::could_not_start);
  EXPECT_THAT(booted.error().message, HasSubstr("nsgate kernel fetch"));
}

TEST(AcceleratorChoices, AreThreeWords) {
  EXPECT_EQ(parse_accelerator_choice("auto"), Choice::automatic);
  EXPECT_EQ(parse_accelerator_choice("kvm"), Choice::kvm);
  EXPECT_EQ(parse_accelerator_choice("tcg"), Choice::tcg);
  for (const char* other : {"", "KVM", "hvf", "auto "}) {
    EXPECT_EQ(parse_accelerator_choice(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace nsgate::lab
