// SPDX-License-Identifier: Apache-2.0
#include "support/namespaces.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace nsgate::test {
namespace {

NamespaceId id_of_path(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  return {status.st_dev, status.st_ino};
}

int write_file(const char* path, const std::string& text) {
  const Fd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!fd) return errno;
  return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0
                                                                                          : errno;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const NamespaceId& id) {
  return out << id.device << ':' << id.inode;
}

NamespaceId id_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw std::system_error(errno, std::generic_category(), "fstat");
  return {status.st_dev, status.st_ino};
}

NamespaceId id_of(const Fd& fd) { return id_of(fd.get()); }
NamespaceId current_netns() { return id_of_path("/proc/thread-self/ns/net"); }
NamespaceId current_userns() { return id_of_path("/proc/thread-self/ns/user"); }
NamespaceId netns_of(pid_t pid) { return id_of_path("/proc/" + std::to_string(pid) + "/ns/net"); }

ScratchNetns::ScratchNetns() : ParkedProcess([] { return unshare_mapped(CLONE_NEWNET); }) {}

UserScratch::UserScratch(Map map, uid_t as)
    : ParkedProcess([=] {
        if (as != static_cast<uid_t>(-1)) {
          if (const int error = become_user(as); error != 0) return error;
        }
        return unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET, map == Map::owner_to_zero);
      }) {}

int become_user(uid_t id) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(id, id, id) != 0 ||
      ::setresuid(id, id, id) != 0) {
    return errno;
  }
  return ::prctl(PR_SET_DUMPABLE, 1) == 0 ? 0 : errno;
}

int unshare_mapped(int flags, bool map) {
  const auto uid = std::to_string(::geteuid());
  const auto gid = std::to_string(::getegid());
  if (::unshare(flags) != 0) return errno;
  if ((flags & CLONE_NEWUSER) == 0 || !map) return 0;
  // user_namespaces(7): without privilege the group map needs setgroups to be denied first.
  if (const int error = write_file("/proc/self/setgroups", "deny"); error != 0) return error;
  if (const int error = write_file("/proc/self/uid_map", "0 " + uid + " 1"); error != 0) {
    return error;
  }
  return write_file("/proc/self/gid_map", "0 " + gid + " 1");
}

}  // namespace nsgate::test
