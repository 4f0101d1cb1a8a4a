// SPDX-License-Identifier: Apache-2.0
#include "support/named_netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace nsgate::test {
namespace {

void require(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

void must_own_run() {
  require(::unshare(CLONE_NEWNS), "unshare the mounts");
  require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make the mounts private");
  require(::mount("run", "/run", "tmpfs", 0, "mode=0755"), "mount a tmpfs on /run");
  require(::mkdir("/run/netns", 0755), "/run/netns");
}

NamedNetns::NamedNetns(const std::string& name, const Fd& netns) : path_("/run/netns/" + name) {
  const Fd file(::open(path_.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0444));
  require(file.get(), path_);
  const auto source = "/proc/self/fd/" + std::to_string(netns.get());
  require(::mount(source.c_str(), path_.c_str(), nullptr, MS_BIND, nullptr), "mount on " + path_);
  mounted_ = true;
}

NamedNetns::~NamedNetns() {
  if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  ::unlink(path_.c_str());
}

void NamedNetns::unmount() {
  require(::umount2(path_.c_str(), MNT_DETACH), "umount " + path_);
  mounted_ = false;
}

}  // namespace nsgate::test
