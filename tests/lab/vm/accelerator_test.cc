// SPDX-License-Identifier: Apache-2.0
//
// `nsgate probe` and `nsgate doctor`, as a user runs them on this machine, whatever its KVM is
// worth; and the guest of the probe's last stage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "lab/machine/probe_guest.h"
#include "scratch_folder.h"
#include "value_of.h"
#include "vm/nsgate_program.h"

namespace nsgate::lab {
namespace {

using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

struct TimedAnswer : Answer {
  std::chrono::milliseconds time;
};

class Nsgate : public testing::Test {
 protected:
  /// With a state folder of its own, where no verdict is known yet.
  TimedAnswer nsgate(Words arguments, const Words& env = {}) const {
    arguments.insert(arguments.begin(), NSGATE_PROGRAM);
    Words all{"XDG_STATE_HOME=" + folder.path().string(), "NSGATE_ACCEL="};
    all.insert(all.begin(), env.begin(), env.end());
    const auto start = std::chrono::steady_clock::now();
    const auto answer = answer_of(arguments, all, {}, 120s);
    return {answer, std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now() - start)};
  }

  /// Says its version like QEMU, and then nothing.
  std::string hanging_qemu() const {
    const auto script = folder.write("qemu",
                                     "#!/bin/sh\n"
                                     "[ \"$1\" = --version ] && echo QEMU 7.2 && exit 0\n"
                                     "exec sleep 600\n");
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    return script.string();
  }

  const ScratchFolder folder;
};

class NsgateProbe : public Nsgate {};

/// Every line that `nsgate probe` may begin with.
constexpr const char* documented =
    "^(kvm: a guest booted in [0-9.]+ s(, twice because this host is itself virtual)?"
    "|tcg: there is no /dev/kvm"
    "|tcg: no permission to open /dev/kvm.*"
    "|tcg: /dev/kvm .*"
    "|tcg: kvm opens, but .*)( \\(from the cache; --fresh asks again\\))?\n";

TEST_F(NsgateProbe, EndsInTimeWithAVerdictAndKnowsItTheSecondTime) {
  const auto first = nsgate({"probe", "--kernel", test_kernel()});
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_THAT(first.out, ContainsRegex(documented));
  // QEMU's version is asked and the kernel's hash computed besides the probe.
  EXPECT_LT(first.time, 15s);

  const auto second = nsgate({"probe", "--kernel", test_kernel(), "--json"});
  ASSERT_EQ(second.exit, 0) << second.err;
  const auto verdict = nlohmann::json::parse(second.out);
  const auto line =
      verdict.at("accelerator").get<std::string>() + ": " + verdict.at("reason").get<std::string>();
  EXPECT_EQ(line, first.out.substr(0, first.out.find('\n')));
  // What the device itself says is never taken from the cache.
  const bool asked_a_guest = verdict.at("stages").size() > 1;
  EXPECT_EQ(verdict.at("cached").get<bool>(), asked_a_guest);
}

TEST_F(NsgateProbe, HangingQemuIsNoProgressInTimeAndKvmNeverFallsBack) {
  const auto env = "QEMU=" + hanging_qemu();
  const auto automatic = nsgate({"probe", "--kernel", test_kernel()}, {env});
  EXPECT_EQ(automatic.exit, 0) << automatic.err;
  EXPECT_THAT(automatic.out, ContainsRegex("^tcg: "));
  EXPECT_LT(automatic.time, 15s);

  const auto forced =
      nsgate({"probe", "--kernel", test_kernel(), "--accel", "kvm", "--fresh"}, {env});
  EXPECT_EQ(forced.exit, 2);
  EXPECT_EQ(forced.out, "");
  EXPECT_LT(forced.time, 15s);
  if (automatic.out.starts_with("tcg: kvm opens")) {
    EXPECT_THAT(forced.err, ContainsRegex("kvm was asked for and does not work: kvm opens, but a "
                                          "guest made no progress in [0-9.]+ s"));
  }
}

TEST_F(NsgateProbe, TakesItsDefaultFromTheEnvironment) {
  const auto tcg = nsgate({"probe"}, {"NSGATE_ACCEL=tcg"});
  EXPECT_EQ(tcg.exit, 0) << tcg.err;
  EXPECT_EQ(tcg.out, "tcg: as was asked for\n");
  EXPECT_EQ(nsgate({"probe"}, {"NSGATE_ACCEL=hvf"}).exit, 125);
}

TEST_F(NsgateProbe, UnwritableStateFolderIsToldAndTheVerdictStands) {
  const auto file = folder.write("file", "");
  const auto answer =
      nsgate({"probe", "--kernel", test_kernel()}, {"XDG_STATE_HOME=" + file.string()});
  EXPECT_EQ(answer.exit, 0);
  EXPECT_THAT(answer.out, ContainsRegex(documented));
  if (answer.out.find("kernel guest") != std::string::npos ||
      answer.out.find("real-mode guest") != std::string::npos) {
    EXPECT_THAT(answer.err, HasSubstr("XDG_STATE_HOME"));
  }
}

/// The same guest under TCG, which works everywhere: the image, the plan and the frames are right.
TEST_F(Nsgate, ProbeGuestBootsSaysHelloAndByeAndEnds) {
  const ProbeGuest guest{.qemu = value_of(find_qemu()),
                         .kernel = test_kernel_image(),
                         .init = NSGATE_INIT,
                         .accelerator = Accelerator::tcg};
  EXPECT_EQ(value_of(boot_probe_guest(guest, 60s)), std::nullopt);
}

TEST_F(Nsgate, DoctorNamesWhatIsMissingAndTheRemedy) {
  const auto answer = nsgate({"doctor"}, {"QEMU=/nowhere/qemu"});
  EXPECT_EQ(answer.exit, 125) << answer.out;
  EXPECT_THAT(answer.out,
              ContainsRegex("\nmissing +qemu +cannot start /nowhere/qemu|^missing +qemu "
                            "+cannot start /nowhere/qemu"));
  EXPECT_THAT(answer.out, HasSubstr("qemu-system-x86"));
  EXPECT_THAT(answer.out, Not(HasSubstr("\x1b")));
}

TEST_F(Nsgate, DoctorsExitCodeIsWhatItsDataSays) {
  const auto answer = nsgate({"doctor", "--json"});
  const auto document = nlohmann::json::parse(answer.out);
  bool missing = false;
  for (const auto& check : document.at("checks")) {
    const auto level = check.at("level").get<std::string>();
    EXPECT_THAT(level, AnyOf("ok", "warn", "missing"));
    missing = missing || level == "missing";
  }
  EXPECT_EQ(document.at("cells_can_run").get<bool>(), !missing);
  EXPECT_EQ(answer.exit, missing ? 125 : 0);
}

TEST_F(Nsgate, DoctorSaysThatACacheCannotBeWritten) {
  const auto file = folder.write("file", "");
  const auto answer = nsgate({"doctor"}, {"XDG_CACHE_HOME=" + file.string()});
  EXPECT_EQ(answer.exit, 125);
  EXPECT_THAT(answer.out, ContainsRegex("missing +cache +cannot write "));
  EXPECT_THAT(answer.out, HasSubstr("XDG_CACHE_HOME"));
}

}  // namespace
}  // namespace nsgate::lab
