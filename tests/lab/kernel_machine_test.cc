// SPDX-License-Identifier: Apache-2.0
//
// What fetching a kernel takes from the machine's own APT, and leaves as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "fake_mirror.h"
#include "lab/kernels/apt_mirrors.h"
#include "lab/kernels/kernel_store.h"
#include "scratch_folder.h"
#include "tiny_kernel.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

/// The machine's APT configuration, as long as this lives.
class MachineConfiguration {
 public:
  explicit MachineConfiguration(const std::string& lines) {
    for (const auto* name : {"etc/apt/apt.conf.d", "etc/apt/sources.list.d"}) {
      fs::create_directories(folder_.path() / name);
    }
    const auto file =
        folder_.write("apt.conf", "Dir \"" + folder_.path().string() + "/\";\n" + lines);
    ::setenv("APT_CONFIG", file.c_str(), 1);
  }
  ~MachineConfiguration() { ::unsetenv("APT_CONFIG"); }

 private:
  ScratchFolder folder_;
};

Expected<std::vector<Kernel>> fetch_in(const ScratchFolder& folder, const fs::path& keyring) {
  const auto catalogue = folder.write(
      "kernels.toml",
      "[[series]]\nname = \"6.1\"\nmain_suites = [\"tame\"]\nmeta_package = \"linux-meta\"\n"
      "image_package_prefix = \"linux-image-\"\nimage = \"boot/{release}\"\n");
  auto store = value_of(KernelStore::open({.catalogue = catalogue,
                                           .lockfile = folder.path() / "lock.json",
                                           .cache = folder.path() / "cache",
                                           .keyring = keyring},
                                          [](std::string_view) {}));
  return store.fetch({"6.1"});
}

void offer_a_kernel(FakeMirror& mirror) {
  mirror.add("linux-meta", "1", "linux-image-6.1.1 (= 1)", {});
  mirror.add("linux-image-6.1.1", "1", "", {{"boot/6.1.1", tiny_kernel("6.1.1")}});
  mirror.publish();
}

/// Of every file of the machine's package management: size, and times of writing and of changing.
std::map<std::string, std::tuple<off_t, time_t, long, time_t, long>> state_of_apt() {
  std::map<std::string, std::tuple<off_t, time_t, long, time_t, long>> state;
  for (const auto* root : {"/var/lib/apt", "/var/lib/dpkg", "/var/cache/apt", "/var/log/apt"}) {
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(
             root, fs::directory_options::skip_permission_denied, none)) {
      struct stat file {};
      if (::lstat(entry.path().c_str(), &file) != 0) continue;
      state[entry.path()] = {file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec,
                             file.st_ctim.tv_sec, file.st_ctim.tv_nsec};
    }
  }
  return state;
}

TEST(KernelFetch, ThePackageManagementOfTheMachineIsUnchanged) {
  const ScratchFolder folder;
  FakeMirror mirror;
  offer_a_kernel(mirror);
  const auto before = state_of_apt();

  const auto fetched = fetch_in(folder, mirror.keyring());

  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_FALSE(before.empty());
  EXPECT_EQ(state_of_apt(), before);
}

TEST(KernelFetch, TheHooksOfTheMachineDoNotRun) {
  const ScratchFolder folder;
  FakeMirror mirror;
  offer_a_kernel(mirror);
  const auto trace = folder.path() / "hook-ran";
  const MachineConfiguration machine("APT::Update::Post-Invoke { \"touch " + trace.string() +
                                     "\"; };\nAPT::Update::Pre-Invoke { \"touch " + trace.string() +
                                     "\"; };\n");

  const auto fetched = fetch_in(folder, mirror.keyring());

  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_FALSE(exists(trace));
}

TEST(KernelFetch, AMachineWithoutAMirrorOfDebianIsToldTheVariables) {
  const ScratchFolder folder;
  const FakeMirror mirror;
  ::unsetenv("NSGATE_MIRROR");
  const MachineConfiguration machine("");

  const auto fetched = fetch_in(folder, mirror.keyring());

  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, ExitCode::could_not_start);
  EXPECT_THAT(fetched.error().message, AllOf(HasSubstr("6.1"), HasSubstr("NSGATE_MIRROR"),
                                             HasSubstr("NSGATE_SECURITY_MIRROR")));
}

TEST(KernelFetch, AMirrorThatCannotBeReachedIsReportedInAptsOwnWords) {
  const ScratchFolder folder;
  const FakeMirror mirror;
  // Nobody listens on port 1, and a proxy would not be asked.
  ::setenv("NSGATE_MIRROR", "http://127.0.0.1:1/debian", 1);
  const MachineConfiguration machine(
      "Acquire::Retries \"0\";\nAcquire::http::Proxy::127.0.0.1 \"DIRECT\";\n");

  const auto fetched = fetch_in(folder, mirror.keyring());

  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, ExitCode::could_not_start);
  EXPECT_THAT(fetched.error().message,
              AllOf(HasSubstr("apt-get update failed: E: Failed to fetch"),
                    HasSubstr("Connection refused"), HasSubstr("nsgate kernel fetch")));
}

TEST(AptMirrors, TakesProxiesAndTimeoutsOfTheMachineAndNothingElse) {
  const MachineConfiguration machine(
      "Acquire::http::Proxy \"http://proxy.example:3128/\";\nAcquire::https::Timeout \"7\";\n"
      "Acquire::Languages \"de\";\nAPT::Update::Post-Invoke { \"true\"; };\n");

  const auto mirrors = AptMirrors::of_this_machine();

  ASSERT_TRUE(mirrors) << mirrors.error().message;
  EXPECT_THAT(mirrors->transport,
              AllOf(HasSubstr("Acquire::http::Proxy \"http://proxy.example:3128/\";"),
                    HasSubstr("Acquire::https::Timeout \"7\";"), Not(HasSubstr("Languages")),
                    Not(HasSubstr("Post-Invoke"))));
}

TEST(AptMirrors, AVariableThatCouldSayMoreThanAPlaceIsRefused) {
  for (const auto* value : {"no-uri", "file:/x tame main\ndeb [trusted=yes] file:/y", "[a]:b"}) {
    ::setenv("NSGATE_SECURITY_MIRROR", value, 1);

    const auto mirrors = AptMirrors::of_this_machine();

    ::unsetenv("NSGATE_SECURITY_MIRROR");
    ASSERT_FALSE(mirrors) << value;
    EXPECT_THAT(mirrors.error().message, HasSubstr("NSGATE_SECURITY_MIRROR is no URI"));
  }
}

}  // namespace
}  // namespace nsgate::lab
