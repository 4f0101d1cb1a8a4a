// SPDX-License-Identifier: Apache-2.0
//
// The probe guest with a QEMU that is a shell script; a real one is in vm/accelerator_test.cc.
#include "lab/machine/probe_guest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class ProbeGuestBoot : public testing::Test {
 protected:
  Expected<StageFault> boot(const std::string& script, std::chrono::milliseconds limit) const {
    const auto qemu = folder.write("qemu", "#!/bin/sh\n" + script);
    std::filesystem::permissions(qemu, std::filesystem::perms::owner_all);
    return boot_probe_guest({.qemu = {qemu.string(), "fake"}, .kernel = "/k", .init = init}, limit);
  }

  const ScratchFolder folder;
  std::filesystem::path init = folder.write("init", "init");
};

TEST_F(ProbeGuestBoot, QemuThatHangsMadeNoProgress) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(value_of(boot("exec sleep 60", 300ms)),
            "kvm opens, but a guest made no progress in 0.3 s");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST_F(ProbeGuestBoot, QemuThatFailsIsToldInItsOwnWords) {
  EXPECT_EQ(value_of(boot("echo 'qemu: could not access KVM' >&2; exit 1", 10s)),
            "kvm opens, but QEMU exited with 1: qemu: could not access KVM");
}

TEST_F(ProbeGuestBoot, QemuThatAbortsIsTold) {
  EXPECT_EQ(value_of(boot("kill -ABRT $$", 10s)), "kvm opens, but QEMU was killed by signal 6");
}

TEST_F(ProbeGuestBoot, QemuThatEndsWithoutFramesIsNoSuccess) {
  EXPECT_EQ(value_of(boot("exit 0", 10s)), "kvm opens, but a guest ended before it was done");
}

TEST_F(ProbeGuestBoot, FramesThatAreNoneAreToldAtOnce) {
  const auto start = std::chrono::steady_clock::now();
  const auto fault = value_of(boot("echo nonsense; exec sleep 60", 50s));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 40s);
  ASSERT_TRUE(fault);
  EXPECT_THAT(*fault, HasSubstr("kvm opens, but a guest's frames broke: "));
}

TEST_F(ProbeGuestBoot, MissingInitIsTheLabsFault) {
  init = "/nowhere/init";
  const auto booted = boot("exit 0", 10s);
  ASSERT_FALSE(booted);
  EXPECT_EQ(booted.error().code, ExitCode::could_not_start);
  EXPECT_THAT(booted.error().message, HasSubstr("/nowhere/init"));
}

}  // namespace
}  // namespace nsgate::lab
