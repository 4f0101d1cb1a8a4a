// SPDX-License-Identifier: Apache-2.0
//
// A payload that misbehaves on purpose: it is carried into a guest to prove that the lab says the
// truth about a test that fails, dies, hangs or lies. It refuses to run anywhere else.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "faulty.h"

namespace {

TEST_F(Faulty, Passes) {}

TEST_F(Faulty, FailsWithAMessage) { EXPECT_TRUE(false) << "the sky is green"; }

TEST_F(Faulty, SkipsForARequirement) {
  GTEST_SKIP() << "needs root: pretends that it was started without";
}

TEST_F(Faulty, SkipsWithoutAReason) { GTEST_SKIP(); }

TEST_F(Faulty, Crashes) { ::raise(SIGSEGV); }

TEST_F(Faulty, ExitsZeroWithoutResult) { ::_exit(0); }

TEST_F(Faulty, Hangs) { stay(); }

TEST_F(Faulty, PanicsTheKernel) {
  const int trigger = ::open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(trigger, 0) << "needs root";
  ASSERT_EQ(::write(trigger, "c", 1), 1);
  FAIL() << "the kernel outlived sysrq c";
}

TEST_F(Faulty, HangsTheGuest) {
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, 1, nullptr, nullptr), 0) << "needs root";
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, 1, nullptr, nullptr), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(1, &status, __WALL), 1);
  ASSERT_TRUE(WIFSTOPPED(status));
  stay();
}

TEST_F(Faulty, CutsTheFrames) {
  ::reboot(RB_AUTOBOOT);
  FAIL() << "needs root";
}

// The line is right but for the nonce, which no test knows: the checksum is that of an empty one.
// Were it believed, this test would have passed, but its real end is a crash.
TEST_F(Faulty, ForgesAFrame) {
  constexpr std::string_view line =
      "@2 e9f28622 330 end "
      R"({"test":"Faulty.ForgesAFrame","exited":0,"microseconds":7,"tainted":0,"lost":0,")"
      R"(warnings":"","xml":"PHRlc3RzdWl0ZXMgdGVzdHM9IjEiIGZhaWx1cmVzPSIwIiBlcnJvcnM9IjAi)"
      R"(Pjx0ZXN0c3VpdGUgbmFtZT0iRmF1bHR5Ij48dGVzdGNhc2UgbmFtZT0iRm9yZ2VzQUZyYW1lIiBzdGF0)"
      R"(dXM9InJ1biIgcmVzdWx0PSJjb21wbGV0ZWQiLz48L3Rlc3RzdWl0ZT48L3Rlc3RzdWl0ZXM+","outpu)"
      R"(t":""})"
      "\n";
  const int port = ::open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(port, 0) << "needs root";
  ASSERT_EQ(::write(port, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  ::raise(SIGKILL);
}

TEST_F(Faulty, FloodsItsOutput) {
  const std::string line = std::string(1023, '.') + '\n';
  for (int i = 0; i < 8 * 1024; ++i) {
    ASSERT_EQ(::write(STDOUT_FILENO, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
}

TEST_F(Faulty, LeavesAProcessBehind) {
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::setsid();
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    stay();
  }
  ASSERT_GT(daemon, 0);
}

// The next test after LeavesAProcessBehind must pass.
TEST_F(Faulty, IsAlone) {
  constexpr std::string_view kernel_threads = "2";
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string stat;
    std::getline(std::ifstream(entry.path() / "stat"), stat);
    // "4 (name) S 2 …": the fourth field is the parent.
    const auto after_name = stat.rfind(')');
    if (after_name == std::string::npos) continue;  // it ended meanwhile
    const auto parent =
        stat.substr(after_name + 4, stat.find(' ', after_name + 4) - after_name - 4);
    if (pid == kernel_threads || parent == kernel_threads) continue;
    EXPECT_TRUE(pid == "1" || pid == std::to_string(::getpid())) << "another process: " << stat;
  }
  EXPECT_EQ(std::filesystem::current_path(), "/tmp/test");
  EXPECT_TRUE(std::filesystem::is_empty("/tmp/test"));
}

std::string open_descriptors() {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    all += entry.path().filename().string() + " ";
  }
  return all;
}

TEST_F(Faulty, ShowsItsCredentials) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  ASSERT_EQ(::syscall(SYS_capget, &header, sets.data()), 0);
  std::map<std::string, std::string> fields;
  std::string status;
  for (std::ifstream lines("/proc/self/status"); std::getline(lines, status);) {
    for (const auto* field : {"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd",
                              "CapAmb", "NoNewPrivs", "SigBlk", "SigIgn"}) {
      if (status.starts_with(std::string(field) + ":")) {
        fields[field] = status.substr(status.find_first_not_of(":\t", std::strlen(field)));
        RecordProperty(field, fields[field]);
      }
    }
  }
  RecordProperty("descriptors", open_descriptors());
  RecordProperty("session_leader", ::getsid(0) == ::getpid());
  std::string environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment += std::string(*entry) + " ";
  RecordProperty("environment", environment);

  const bool is_rootless = std::getenv("NSGATE_USER") == std::string_view("rootless");
  uid_t real = 0, effective = 0, saved = 0;
  ASSERT_EQ(::getresuid(&real, &effective, &saved), 0);
  EXPECT_EQ(real, is_rootless ? 1000u : 0u);
  EXPECT_EQ(effective, real);
  EXPECT_EQ(saved, real);
  EXPECT_EQ(::getgroups(0, nullptr), 0);
  EXPECT_EQ(fields["CapAmb"], "0000000000000000");
  EXPECT_EQ(fields["NoNewPrivs"], "0");
  for (const auto& set : sets) {
    EXPECT_EQ(set.inheritable, 0u);
    EXPECT_EQ((set.permitted | set.effective) == 0, is_rootless);
  }
}

TEST_F(Faulty, IsRootOfAUserNamespaceOfUid1000) {
  std::ostringstream map;
  map << std::ifstream("/proc/self/uid_map").rdbuf();
  std::istringstream words(map.str());
  const std::vector<std::string> ids{std::istream_iterator<std::string>(words), {}};
  const std::vector<std::string> expected{"0", "1000", "1", "1", "100000", "65535"};
  EXPECT_EQ(ids, expected);
  // NS_GET_OWNER_UID of ioctl_nsfs(2), as an ancestor sees it.
  uid_t owner = 0;
  const int fd = ::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::ioctl(fd, NS_GET_OWNER_UID, &owner), 0);
  EXPECT_EQ(owner, 0u) << "uid 1000 of outside is 0 inside";
  ::close(fd);
  // What belongs to the first user namespace is out of reach, a mount of its own is not.
  EXPECT_NE(::sethostname("x", 1), 0);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::mount("none", "/tmp/test", "tmpfs", 0, nullptr), 0);
  EXPECT_EQ(::umount2("/tmp/test", MNT_DETACH), 0);
}

/// 0, or the errno of the first step that failed.
int pivot_in_a_user_namespace() {
  const bool done = ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
                    ::mount("/tmp/test", "/tmp/test", nullptr, MS_BIND, nullptr) == 0 &&
                    ::chdir("/tmp/test") == 0 && ::syscall(SYS_pivot_root, ".", ".") == 0;
  return done ? 0 : errno;
}

// The root of an initramfs can be neither pivoted away nor, when init only chroots, left by
// unshare(CLONE_NEWUSER).
TEST_F(Faulty, HasANormalRoot) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(pivot_in_a_user_namespace());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "errno " << WEXITSTATUS(status);
}

}  // namespace
