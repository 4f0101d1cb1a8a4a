// SPDX-License-Identifier: Apache-2.0
#include "nsgate/netns.h"

#include <fcntl.h>

#include <cerrno>

namespace nsgate {
namespace {

Result<Fd> open_at(int directory, const std::string& path, int flags, const std::string& shown) {
  Fd fd(::openat(directory, path.c_str(), flags | O_CLOEXEC | O_NOCTTY));
  if (!fd) return std::unexpected(Error{Stage::open, errno, shown});
  return fd;
}

std::string proc_path(pid_t pid) { return "/proc/" + std::to_string(pid); }

}  // namespace

std::string Target::to_string() const {
  if (const auto* process = std::get_if<Process>(&name_)) {
    return "pid " + std::to_string(process->pid);
  }
  if (const auto* descriptor = std::get_if<Descriptor>(&name_)) {
    return "descriptor " + std::to_string(descriptor->fd);
  }
  return std::get<std::filesystem::path>(name_).string();
}

std::string UserTarget::to_string() const {
  if (const auto* pid = std::get_if<pid_t>(&name_)) return "pid " + std::to_string(*pid);
  const auto& fds = std::get<Descriptors>(name_);
  return "descriptors " + std::to_string(fds.user) + " and " + std::to_string(fds.net);
}

Result<Netns> Netns::open(const Target& target) {
  if (const auto* descriptor = std::get_if<Target::Descriptor>(&target.name_)) {
    return Netns(descriptor->fd);
  }
  const auto* process = std::get_if<Target::Process>(&target.name_);
  const std::string path = process != nullptr
                               ? proc_path(process->pid) + "/ns/net"
                               : std::get<std::filesystem::path>(target.name_).string();
  auto fd = open_at(AT_FDCWD, path, O_RDONLY, path);
  if (!fd) return std::unexpected(fd.error());
  return Netns(std::move(*fd));
}

UserNetns::UserNetns(Fd user, Fd net)
    : owned_user_(std::move(user)),
      owned_net_(std::move(net)),
      user_(owned_user_.get()),
      net_(owned_net_.get()) {}

Result<UserNetns> UserNetns::open(const UserTarget& target) {
  if (const auto* fds = std::get_if<UserTarget::Descriptors>(&target.name_)) {
    return UserNetns(*fds);
  }
  const std::string path = proc_path(std::get<pid_t>(target.name_));
  // The directory stays that of this process when its pid is recycled: openat then fails with
  // ESRCH (fs/proc/base.c, since Linux 2.6), so the two files cannot be of two processes.
  auto directory = open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, path);
  if (!directory) return std::unexpected(directory.error());
  auto user = open_at(directory->get(), "ns/user", O_RDONLY, path + "/ns/user");
  if (!user) return std::unexpected(user.error());
  auto net = open_at(directory->get(), "ns/net", O_RDONLY, path + "/ns/net");
  if (!net) return std::unexpected(net.error());
  return UserNetns(std::move(*user), std::move(*net));
}

}  // namespace nsgate
