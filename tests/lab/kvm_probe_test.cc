// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/kvm_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;
using testing::Optional;
using namespace std::chrono_literals;

TEST(KvmDevice, MissingOneIsNamed) {
  EXPECT_EQ(examine_kvm_device("/nowhere/kvm"), "there is no /nowhere/kvm");
}

TEST(KvmDevice, FileThatIsNoKvmIsSaidToBeNone) {
  EXPECT_THAT(examine_kvm_device("/dev/null"),
              Optional(HasSubstr("/dev/null is no KVM: KVM_GET_API_VERSION: ")));
}

TEST(KvmDevice, RefusalNamesTheGroupToJoin) {
  EXPECT_EQ(explain_refusal("/dev/kvm", 0660, "kvm"),
            "no permission to open /dev/kvm; join the group kvm: sudo usermod -aG kvm \"$USER\", "
            "then log in again");
}

TEST(KvmDevice, RefusalByADeviceOfRootAloneSendsNobodyIntoAGroup) {
  for (const auto& [mode, group] : {std::pair(0600, "kvm"), std::pair(0660, "root")}) {
    const auto said = explain_refusal("/dev/kvm", static_cast<mode_t>(mode), group);
    EXPECT_THAT(said, HasSubstr("which is for root alone"));
    EXPECT_THAT(said, Not(HasSubstr("usermod")));
  }
}

TEST(RealModeGuest, ThatLoopsForEverMadeNoProgress) {
  const auto fault = value_of(try_real_mode_guest({.work = 200ms}, [](int) {
    for (volatile bool on = true; on;) {
    }
  }));
  EXPECT_EQ(fault, "kvm opens, but a guest made no progress in 0.2 s");
}

TEST(RealModeGuest, ThatCannotBeKilledIsLeftBehindAndTold) {
  pid_t child = 0;
  const auto fault = value_of(try_real_mode_guest({.work = 100ms,
                                                   .death = 100ms,
                                                   .kill =
                                                       [&child](pid_t pid, int) {
                                                         child = pid;
                                                         return 0;
                                                       }},
                                                  [](int) { ::pause(); }));
  EXPECT_EQ(fault, "kvm opens, but a guest made no progress in 0.1 s, and its process " +
                       std::to_string(child) + " cannot be killed");
  ::kill(child, SIGKILL);
}

TEST(RealModeGuest, ThatKillsItsProcessIsAFault) {
  EXPECT_EQ(value_of(try_real_mode_guest({.work = 10s}, [](int) { ::raise(SIGSEGV); })),
            "kvm opens, but a guest killed its process with signal 11");
}

TEST(RealModeGuest, WithoutAWordIsNoSuccess) {
  EXPECT_EQ(value_of(try_real_mode_guest({.work = 10s}, [](int) {})),
            "kvm opens, but its probe ended without a word");
}

TEST(RealModeGuest, NamesTheStepThatFailed) {
  const auto on = [](const char* device) {
    return value_of(try_real_mode_guest(
        {.work = 10s}, [device](int report) { run_real_mode_guest(device, report); }));
  };
  EXPECT_EQ(on("/nowhere/kvm"), "kvm opens, but open failed: No such file or directory");
  EXPECT_THAT(on("/dev/null"), Optional(HasSubstr("kvm opens, but KVM_CREATE_VM failed: ")));
}

TEST(HostIsVirtual, ByTheFlagOfItsProcessor) {
  const ScratchFolder folder;
  EXPECT_TRUE(host_is_virtual(
      folder.write("guest", "processor\t: 0\nflags\t\t: fpu sse hypervisor lahf_lm\nbugs\t:\n")));
  EXPECT_FALSE(host_is_virtual(folder.write("metal", "flags\t\t: fpu sse lahf_lm\n")));
  EXPECT_FALSE(host_is_virtual(folder.path() / "absent"));
}

}  // namespace
}  // namespace nsgate::lab
