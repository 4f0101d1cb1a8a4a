// SPDX-License-Identifier: Apache-2.0
//
// A tool whose file gives it CAP_SYS_ADMIN (setcap cap_sys_admin+ep), executed by another uid.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "helper/helper.h"
#include "support/capabilities.h"
#include "support/child_output.h"
#include "support/mounts.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

int result_of(int returned) { return returned >= 0 ? 0 : errno; }

/// Puts a copy of the helper on a file system of its own, which honours file capabilities; /tmp may
/// be mounted nosuid. Returns 0 or an errno.
int install_helper(const char* path) {
  const Fd from(::open(helper().c_str(), O_RDONLY | O_CLOEXEC));
  if (!from || ::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", "/tmp", "tmpfs", 0, "mode=0755") != 0) {
    return errno;
  }
  const Fd to(::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
  struct stat status {};
  if (!to || ::fstat(from.get(), &status) != 0 || ::fchmod(to.get(), 0755) != 0) return errno;
  for (off_t done = 0; done < status.st_size;) {
    if (::sendfile(to.get(), from.get(), &done, 1 << 20) <= 0) return errno;
  }
  return 0;
}

int give_capability(const char* path, int number) {
  vfs_cap_data data{};
  data.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
  data.data[number / 32].permitted = 1u << (number % 32);
  return result_of(::setxattr(path, "security.capability", &data, XATTR_CAPS_SZ_2, 0));
}

/// What `nsgate_helper join` prints when uid 1000 executes it to join `net`.
std::string join_as_uid_1000(const Fd& net, bool capable) {
  const auto child = output_of_child([&] {
    constexpr const char* tool = "/tmp/tool";
    int error = install_helper(tool);
    if (error == 0 && capable) error = give_capability(tool, CAP_SYS_ADMIN);
    if (error == 0) error = become_user(1000);
    if (error == 0) error = result_of(::dup2(net.get(), STDIN_FILENO));
    if (error != 0) return error;
    ::execl(tool, tool, "join", nullptr);
    return errno;
  });
  return child.status == 0 ? child.out : "wait status " + std::to_string(child.status);
}

TEST(Setns, AFileCapabilityIsEnoughForAnotherUidButMakesItNotDumpable) {
  BEHAVIOUR("CP03");
  REQUIRES(root);
  REQUIRES(mounts);
  const ScratchNetns other;
  const Fd net = other.open("ns/net");
  std::string dumpable;
  std::ifstream("/proc/sys/fs/suid_dumpable") >> dumpable;

  // The errno of joining, dumpable, who owns its /proc/self/ns/net, the errno of opening that.
  EXPECT_EQ(join_as_uid_1000(net, false), "1 1 1000 0\n");
  // proc(5): what is not dumpable has a /proc of root.
  EXPECT_EQ(join_as_uid_1000(net, true),
            dumpable == "1" ? "0 1 1000 0\n" : "0 " + dumpable + " 0 0\n");
}

}  // namespace
}  // namespace nsgate::test
