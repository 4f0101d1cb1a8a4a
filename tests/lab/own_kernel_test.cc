// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/own_kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "fake_mirror.h"
#include "fake_module.h"
#include "lab/base/sha256.h"
#include "must_run.h"
#include "scratch_folder.h"
#include "tiny_kernel.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto release = "6.9.0-mine";
const std::string modules_folder = std::string("lib/modules/") + release;

std::vector<std::string> names_of(const std::vector<fs::path>& files) {
  std::vector<std::string> names;
  for (const auto& file : files) names.push_back(file.filename().string());
  return names;
}

/// The user's files, and a cache for kernels made of them.
class OwnLab {
 public:
  fs::path write(const fs::path& name, const std::string& text) const {
    return folder_.write("user" / name, text);
  }
  fs::path user() const { return folder_.path() / "user"; }
  fs::path cache() const { return folder_.path() / "cache"; }
  const std::string& said() const { return said_; }

  /// As modules_install leaves them.
  void install_modules(const fs::path& root, const std::string& of = release) const {
    const auto place = root / "lib/modules" / of;
    write(place / "kernel/net/llc.ko", fake_module(of));
    write(place / "kernel/net/bridge.ko", fake_module(of, "llc"));
    write(place / "modules.builtin", "kernel/drivers/net/dummy.ko\n");
    write(place / "modules.order", "kernel/net/llc.ko\nkernel/net/bridge.ko\n");
  }
  void make_root(const fs::path& root) const {
    write(root / "boot" / ("vmlinuz-" + std::string(release)), tiny_kernel(release));
    write(root / "boot" / ("config-" + std::string(release)), "CONFIG_ROOT=y\n");
    install_modules(root);
  }
  fs::path make_tree() const {
    write("tree/Makefile", "");
    write("tree/.config", "CONFIG_TREE=y\n");
    write("tree/modules.order", "net/llc.o\nnet/bridge.o\n");
    write("tree/net/llc.ko", fake_module(release));
    write("tree/net/bridge.ko", fake_module(release, "llc"));
    write("tree/arch/x86/boot/bzImage", tiny_kernel(release));
    return user() / "tree";
  }

  Expected<Kernel> prepare(const std::string& name, const OwnKernelOptions& options = {}) {
    return OwnKernels(cache(), {"bridge", "dummy", "wonder"},
                      [this](std::string_view text) { said_ += text; })
        .prepare(name, options);
  }
  std::string failure(const std::string& name, const OwnKernelOptions& options = {}) {
    const auto kernel = prepare(name, options);
    return kernel ? "" : kernel.error().message;
  }

 private:
  ScratchFolder folder_;
  std::string said_;
};

TEST(OwnKernel, ABzImageAloneStaysWhereItIsAndNothingElseIsKnown) {
  OwnLab lab;
  const auto image = lab.write("own", tiny_kernel(release));

  const auto kernel = value_of(lab.prepare(image));

  EXPECT_EQ(kernel.name, image.string());
  EXPECT_EQ(kernel.release, release);
  EXPECT_EQ(kernel.image, image);
  EXPECT_EQ(kernel.image_sha256, value_of(sha256_of(image)));
  EXPECT_EQ(kernel.config, "");
  EXPECT_THAT(kernel.modules, IsEmpty());
  EXPECT_EQ(kernel.package_version, "");
  EXPECT_EQ(kernel.unpinned, "");
  EXPECT_THAT(lab.said(), HasSubstr("no modules were found"));
}

TEST(OwnKernel, AVmlinuxTellsItsReleaseByTheBanner) {
  OwnLab lab;
  const auto image = lab.write("vmlinux", fake_vmlinux(release));

  EXPECT_EQ(value_of(lab.prepare(image)).release, release);
}

TEST(OwnKernel, AVmlinuxWithoutThePvhNoteIsRefusedWithTheRemedy) {
  OwnLab lab;

  EXPECT_THAT(lab.failure(lab.write("vmlinux", fake_vmlinux(release, 17))),
              AllOf(HasSubstr("vmlinux lacks the ELF note"), HasSubstr("CONFIG_PVH=y")));
}

TEST(OwnKernel, AVmlinuxCutAnywhereIsRefused) {
  OwnLab lab;
  const auto whole = fake_vmlinux("");
  const auto end_of_notes = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 24;
  for (std::size_t size = 4; size < end_of_notes; ++size) {
    EXPECT_THAT(lab.failure(lab.write("vmlinux", whole.substr(0, size))), HasSubstr("vmlinux is "))
        << size;
  }
}

TEST(OwnKernel, ElfForAnotherProcessorIsRefused) {
  OwnLab lab;
  auto bytes = fake_vmlinux(release);
  bytes[18] = static_cast<char>(183);  // EM_AARCH64

  EXPECT_THAT(lab.failure(lab.write("vmlinux", bytes)), HasSubstr("e_machine 183"));
}

TEST(OwnKernel, ABuildTreeGivesConfigAndModules) {
  OwnLab lab;
  const auto tree = lab.make_tree();
  for (const auto& name : {tree, tree / "", tree / "arch/x86/boot/bzImage"}) {
    const auto kernel = value_of(lab.prepare(name));

    EXPECT_EQ(kernel.release, release);
    EXPECT_EQ(kernel.image, tree / "arch/x86/boot/bzImage");
    EXPECT_EQ(contents(kernel.config), "CONFIG_TREE=y\n");
    EXPECT_THAT(names_of(kernel.modules), ElementsAre("00-llc.ko", "01-bridge.ko"));
    EXPECT_THAT(kernel.absent_modules, ElementsAre("dummy", "wonder"));
  }
}

TEST(OwnKernel, ABuildTreeWithoutAnImageIsToldWhatToMake) {
  OwnLab lab;
  fs::remove(lab.make_tree() / "arch/x86/boot/bzImage");
  lab.write("tree/Kconfig", "");

  EXPECT_THAT(lab.failure(lab.user() / "tree"), HasSubstr("make bzImage"));
}

TEST(OwnKernel, AFileOfTheBuildTreeThatWasMadeAnewCounts) {
  OwnLab lab;
  const auto tree = lab.make_tree();
  value_of(lab.prepare(tree));
  lab.write("tree/net/llc.ko", fake_module(release) + "made anew");
  lab.write("tree/.config", "CONFIG_NEW=y\n");

  const auto kernel = value_of(lab.prepare(tree));

  EXPECT_THAT(contents(kernel.modules.at(0)), HasSubstr("made anew"));
  EXPECT_EQ(contents(kernel.config), "CONFIG_NEW=y\n");
}

TEST(OwnKernel, AFolderLaidOutLikeTheRootGivesAllAndSoDoesItsImage) {
  OwnLab lab;
  lab.make_root("root");
  for (const auto& name : {lab.user() / "root", lab.user() / "root/boot/vmlinuz-6.9.0-mine"}) {
    const auto kernel = value_of(lab.prepare(name));

    EXPECT_EQ(contents(kernel.config), "CONFIG_ROOT=y\n");
    EXPECT_THAT(names_of(kernel.modules), ElementsAre("00-llc.ko", "01-bridge.ko"));
    EXPECT_THAT(kernel.absent_modules, ElementsAre("wonder"));
  }
}

TEST(OwnKernel, TheImageMayLieWithItsModules) {
  OwnLab lab;
  lab.write("root/usr/lib/modules/6.9.0-mine/vmlinuz", tiny_kernel(release));
  lab.write("root/usr/lib/modules/6.9.0-mine/config", "CONFIG_USR=y\n");
  lab.install_modules("root/usr");

  const auto kernel = value_of(lab.prepare(lab.user() / "root"));

  EXPECT_EQ(contents(kernel.config), "CONFIG_USR=y\n");
  EXPECT_THAT(names_of(kernel.modules), ElementsAre("00-llc.ko", "01-bridge.ko"));
}

TEST(OwnKernel, OfSeveralKernelsOneHasToBeNamed) {
  OwnLab lab;
  lab.make_root("root");
  lab.write("root/boot/vmlinuz-5", tiny_kernel("5"));

  EXPECT_THAT(lab.failure(lab.user() / "root"),
              AllOf(HasSubstr("2 kernels"), HasSubstr("root/boot/vmlinuz-5,")));
}

TEST(OwnKernel, AFolderWithoutAKernelIsToldWhatWasLookedFor) {
  OwnLab lab;
  lab.write("root/other", "");

  EXPECT_THAT(lab.failure(lab.user() / "root"),
              AllOf(HasSubstr("arch/x86/boot/bzImage"), HasSubstr("boot/vmlinuz-*")));
  EXPECT_THAT(lab.failure(lab.user() / "absent"), HasSubstr("absent: no such file"));
}

TEST(OwnKernel, OptionsGoBeforeWhatIsFound) {
  OwnLab lab;
  const auto tree = lab.make_tree();
  lab.install_modules("installed");
  const auto config = lab.write("my.config", "CONFIG_MY=y\n");
  const auto installed = lab.user() / "installed";
  for (const auto& modules : {installed, installed / modules_folder}) {
    const auto kernel = value_of(lab.prepare(tree, {.modules = modules, .config = config}));

    EXPECT_EQ(contents(kernel.config), "CONFIG_MY=y\n");
    EXPECT_THAT(kernel.absent_modules, ElementsAre("wonder"));
  }
}

TEST(OwnKernel, ModulesOfAnotherKernelAreRefused) {
  OwnLab lab;
  const auto image = lab.write("own", tiny_kernel("6.9.0-other"));
  lab.install_modules("installed");
  const auto installed = lab.user() / "installed";

  EXPECT_THAT(lab.failure(image, {.modules = installed, .config = {}}),
              AllOf(HasSubstr("no modules of 6.9.0-other"), HasSubstr(release)));
  EXPECT_THAT(lab.failure(image, {.modules = installed / modules_folder, .config = {}}),
              AllOf(HasSubstr("was built for 6.9.0-mine"), HasSubstr("is 6.9.0-other")));
  EXPECT_THAT(lab.failure(image, {.modules = lab.user() / "absent", .config = {}}),
              HasSubstr("INSTALL_MOD_PATH"));
}

TEST(OwnKernel, AConfigThatIsNoneIsRefusedWithItsLine) {
  OwnLab lab;
  const auto image = lab.write("own", tiny_kernel(release));

  EXPECT_THAT(lab.failure(image, {.modules = {}, .config = lab.write("c", "root:x:0\n")}),
              HasSubstr("c:1: "));
  EXPECT_THAT(lab.failure(image, {.modules = {}, .config = lab.user() / "absent"}),
              HasSubstr("absent: "));
}

/// The .config as a kernel carries it.
std::string marked_config(const ScratchFolder& scratch) {
  const auto file = scratch.write("config", "CONFIG_IKCONFIG=y\n");
  must_run({"gzip", "--keep", file});
  return "IKCFG_ST" + contents(file.string() + ".gz") + "IKCFG_ED";
}

TEST(OwnKernel, AVmlinuxMayCarryItsConfig) {
  OwnLab lab;
  const ScratchFolder scratch;

  const auto kernel = value_of(
      lab.prepare(lab.write("vmlinux", fake_vmlinux(release, 18, marked_config(scratch)))));

  EXPECT_EQ(contents(kernel.config), "CONFIG_IKCONFIG=y\n");
}

TEST(OwnKernel, SoMayACompressedBzImage) {
  const std::vector<std::vector<std::string>> compressors = {{"gzip", ".gz"},
                                                             {"xz", ".xz", "--check=crc32"}};
  for (const auto& compressor : compressors) {
    OwnLab lab;
    const ScratchFolder scratch;
    const auto plain = scratch.write("vmlinux", std::string(100'000, 'k') + marked_config(scratch));
    std::vector<std::string> command{compressor[0], plain};
    command.insert(command.end(), compressor.begin() + 2, compressor.end());
    must_run(command);
    // As scripts/Makefile.lib does, with the size appended.
    const auto payload = contents(plain.string() + compressor[1]) + std::string("\0\1\2\3", 4);
    auto image = tiny_kernel(release);
    image[0x206] = 0x0f;  // protocol 2.15
    image[0x207] = 0x02;
    const auto length = static_cast<unsigned>(payload.size());
    for (int i = 0; i < 4; ++i) image[0x24c + i] = static_cast<char>(length >> (8 * i));
    image.resize(1024);
    image += payload;
    image.resize(image.size() + 16);

    const auto kernel = value_of(lab.prepare(lab.write("bzImage", image)));

    EXPECT_EQ(contents(kernel.config), "CONFIG_IKCONFIG=y\n") << compressor[0];
  }
}

TEST(OwnKernel, APackageGivesAllAndIsUnpackedOnce) {
  OwnLab lab;
  FakeMirror mirror;
  mirror.add("linux-image-mine", "1", "",
             {{"boot/vmlinuz-6.9.0-mine", tiny_kernel(release)},
              {"boot/config-6.9.0-mine", "CONFIG_DEB=y\n"},
              {modules_folder + "/kernel/bridge.ko", fake_module(release)},
              {modules_folder + "/kernel/unwanted.ko", fake_module(release)}});
  const auto deb = mirror.deb("linux-image-mine", "1");

  const auto kernel = value_of(lab.prepare(deb));
  const auto when = fs::last_write_time(kernel.image);
  const auto again = value_of(lab.prepare(deb));

  EXPECT_EQ(kernel.release, release);
  EXPECT_EQ(contents(kernel.image), tiny_kernel(release));
  EXPECT_EQ(contents(kernel.config), "CONFIG_DEB=y\n");
  EXPECT_THAT(names_of(kernel.modules), ElementsAre("00-bridge.ko"));
  EXPECT_EQ(again.image, kernel.image);
  EXPECT_EQ(fs::last_write_time(again.image), when);
  // The rest of the package is not kept.
  for (const auto& entry : fs::recursive_directory_iterator(lab.cache())) {
    EXPECT_THAT(entry.path().string(), Not(HasSubstr("unpacked")));
  }
}

TEST(OwnKernel, SeveralPackagesOfOneKernelHaveCommasBetween) {
  OwnLab lab;
  FakeMirror mirror;
  const std::string place = "usr/lib/modules/6.9.0-mine";
  mirror.add("binary", "1", "", {{place + "/vmlinuz", tiny_kernel(release)}});
  mirror.add("modules", "1", "", {{place + "/kernel/bridge.ko", fake_module(release)}});
  mirror.add(
      "base", "1", "",
      {{place + "/config", "CONFIG_SPLIT=y\n"}, {place + "/modules.builtin", "kernel/dummy.ko\n"}});
  const auto all = mirror.deb("binary", "1").string() + "," + mirror.deb("modules", "1").string() +
                   "," + mirror.deb("base", "1").string();

  const auto kernel = value_of(lab.prepare(all));

  EXPECT_EQ(contents(kernel.config), "CONFIG_SPLIT=y\n");
  EXPECT_THAT(names_of(kernel.modules), ElementsAre("00-bridge.ko"));
  EXPECT_THAT(kernel.absent_modules, ElementsAre("wonder"));
  EXPECT_THAT(lab.failure(mirror.deb("base", "1")),
              AllOf(HasSubstr("base_1.deb holds no kernel"), HasSubstr("commas between")));
}

TEST(OwnKernel, APackageThatCannotBeReadIsNamed) {
  OwnLab lab;

  EXPECT_THAT(lab.failure(lab.write("a.deb", "rubbish")), HasSubstr("cannot unpack"));
  EXPECT_THAT(lab.failure(lab.user() / "absent.deb"), HasSubstr("absent.deb: no such file"));
}

TEST(OwnKernel, ModulesInTheCacheThatWereTamperedWithAreMadeAnew) {
  OwnLab lab;
  const auto tree = lab.make_tree();
  const auto module = value_of(lab.prepare(tree)).modules.at(0);
  const auto good = contents(module);
  lab.write(module, "rubbish");

  EXPECT_EQ(contents(value_of(lab.prepare(tree)).modules.at(0)), good);
}

}  // namespace
}  // namespace nsgate::lab
