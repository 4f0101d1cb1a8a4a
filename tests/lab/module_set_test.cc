// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/module_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_module.h"
#include "must_run.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto release = "6.1.0-9";

/// What lies in lib/modules/6.1.0-9.
class ModuleFolder {
 public:
  ModuleFolder() {
    add("net/802/stp.ko", "llc");
    add("net/llc/llc.ko");
    add("net/bridge/bridge.ko", "stp,llc,ipv6");
    add("drivers/net/dummy.ko");
    folder_.write("modules.builtin", "kernel/net/ipv6/ipv6.ko\nkernel/drivers/net/loop-back.ko\n");
  }

  void add(const std::string& name, const std::string& depends = "",
           const std::string& softdep = "") const {
    folder_.write("kernel/" + name, fake_module(release, depends, softdep));
  }

  Expected<ModuleSet> choose(const std::vector<std::string>& wishes,
                             const std::string& kernel = release) const {
    return choose_modules(folder_.path(), wishes, kernel);
  }
  const ScratchFolder& folder() const { return folder_; }

 private:
  ScratchFolder folder_;
};

std::vector<std::string> names_of(const Expected<ModuleSet>& set) {
  std::vector<std::string> names;
  for (const auto& file : value_of(set).files) names.push_back(file.filename().string());
  return names;
}

TEST(ModuleName, IsThatOfTheKernel) {
  EXPECT_EQ(module_name("a/pvpanic-mmio.ko"), "pvpanic_mmio");
  EXPECT_EQ(module_name("veth.ko.xz"), "veth");
  EXPECT_EQ(module_name("veth.ko.zst"), "veth");
  EXPECT_EQ(module_name("veth.ko.gz"), "veth");
  EXPECT_EQ(module_name("veth.o"), "");
  EXPECT_EQ(module_name("modules.builtin"), "");
}

TEST(ChooseModules, EachComesBehindWhatItNeedsAndOnce) {
  EXPECT_THAT(names_of(ModuleFolder().choose({"bridge", "dummy", "stp"})),
              ElementsAre("llc.ko", "stp.ko", "bridge.ko", "dummy.ko"));
}

TEST(ChooseModules, WhatIsBuiltInOrAbsentIsToldAndNoError) {
  const auto set = value_of(ModuleFolder().choose({"ipv6", "loop_back", "wonder", "dummy"}));

  EXPECT_THAT(set.built_in, ElementsAre("ipv6", "loop_back"));
  EXPECT_THAT(set.absent, ElementsAre("wonder"));
  EXPECT_EQ(set.files.size(), 1U);
}

TEST(ChooseModules, ASoftDependencyGoesFirstWhereThereIsOne) {
  const ModuleFolder modules;
  modules.add("a.ko", "", "pre: dummy wonder post: llc");

  EXPECT_THAT(names_of(modules.choose({"a"})), ElementsAre("dummy.ko", "a.ko"));
}

TEST(ChooseModules, ARingOfSoftDependenciesEnds) {
  const ModuleFolder modules;
  modules.add("a.ko", "", "pre: b");
  modules.add("b.ko", "", "pre: a");

  EXPECT_THAT(names_of(modules.choose({"a"})), ElementsAre("b.ko", "a.ko"));
}

TEST(ChooseModules, CompressedOnesAreReadToo) {
  const ModuleFolder modules;
  must_run({"xz", "--check=crc32", modules.folder().path() / "kernel/net/bridge/bridge.ko"});

  EXPECT_THAT(names_of(modules.choose({"bridge"})),
              ElementsAre("llc.ko", "stp.ko", "bridge.ko.xz"));
}

TEST(ChooseModules, OneInUpdatesGoesBeforeTheKernelsOwn) {
  const ModuleFolder modules;
  const auto better = modules.folder().write("updates/dkms/dummy.ko", fake_module(release));

  EXPECT_THAT(value_of(modules.choose({"dummy"})).files, ElementsAre(better));
}

TEST(ChooseModules, OneOfAnotherKernelIsRefusedByName) {
  const auto set = ModuleFolder().choose({"dummy"}, "6.1.0-10");

  ASSERT_FALSE(set);
  EXPECT_THAT(set.error().message,
              AllOf(HasSubstr("dummy.ko was built for 6.1.0-9 "), HasSubstr("is 6.1.0-10:")));
  EXPECT_THAT(names_of(ModuleFolder().choose({"dummy"}, "")), ElementsAre("dummy.ko"));
}

TEST(ChooseModules, OneThatLacksWhatItNeedsIsNamed) {
  const ModuleFolder modules;
  modules.add("a.ko", "gone");

  const auto set = modules.choose({"a"});

  ASSERT_FALSE(set);
  EXPECT_THAT(set.error().message, AllOf(HasSubstr("a.ko needs the module gone")));
}

TEST(ChooseModules, AFileThatIsNoModuleIsNamed) {
  const ModuleFolder modules;
  const auto whole = fake_module(release);
  for (const auto& bytes : {std::string("rubbish"), std::string(), whole.substr(0, 100)}) {
    modules.folder().write("kernel/a.ko", bytes);

    const auto set = modules.choose({"a"});

    ASSERT_FALSE(set) << bytes.size();
    EXPECT_THAT(set.error().message, HasSubstr("a.ko is no kernel module"));
  }
}

TEST(ChooseModules, AModuleNobodyWantsIsNotRead) {
  const ModuleFolder modules;
  modules.folder().write("kernel/broken.ko", "rubbish");

  EXPECT_THAT(names_of(modules.choose({"dummy"})), ElementsAre("dummy.ko"));
}

TEST(ChooseModules, ABuildTreeHasThoseOfItsModulesOrder) {
  for (const std::string line : {"kernel/drivers/net/dummy.ko", "drivers/net/dummy.o"}) {
    const ScratchFolder tree;
    tree.write("Makefile", "");
    tree.write("modules.order", line + "\n");
    const auto file = tree.write("drivers/net/dummy.ko", fake_module(release));
    tree.write("drivers/net/stale.ko", fake_module(release));

    const auto set = value_of(choose_modules(tree.path(), {"dummy", "stale"}, release));

    EXPECT_THAT(set.files, ElementsAre(file));
    EXPECT_THAT(set.absent, ElementsAre("stale"));
  }
}

TEST(ChooseModules, AFolderThatIsNotThereIsAFailure) {
  EXPECT_FALSE(choose_modules("/nonexistent", {"dummy"}, release));
}

}  // namespace
}  // namespace nsgate::lab
