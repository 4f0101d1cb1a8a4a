// SPDX-License-Identifier: Apache-2.0
#include "nsgate/netns.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "nsgate/task.h"

namespace nsgate {
namespace {

using Opened = Result<Fd>;

std::unexpected<Error> refused(int code, const std::string& shown, std::string note = {}) {
  return std::unexpected(Error{Stage::open, code, shown, 0, std::move(note)});
}

Opened checked(Fd file, const std::string& shown) {
  if (!file) return refused(errno, shown);
  if (auto kind = detail::check_namespace(file.get(), CLONE_NEWNET, shown); !kind) {
    return std::unexpected(kind.error());
  }
  return file;
}

Opened open_path(const char* path, const std::string& shown) {
  // Without waiting: whatever stands where a namespace file should may be a FIFO.
  return checked(Fd(::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)), shown);
}

Opened open_task(const detail::TaskName& name) {
  auto task = detail::Task::find(name);
  if (!task) return std::unexpected(task.error());
  auto file = task->open_namespace(CLONE_NEWNET);
  if (!file || *file) return file;
  // setns(2) takes a pidfd as well, since Linux 5.8.
  Fd pidfd = task->take_pidfd();
  if (!pidfd) pidfd = Fd(::fcntl(task->pidfd(), F_DUPFD_CLOEXEC, 0));
  if (!pidfd) return refused(errno, name.to_string());
  return pidfd;
}

Opened netns_of_socket(int fd, const std::string& shown) {
  return checked(Fd(::ioctl(fd, SIOCGSKNS)), shown);
}

Opened open_current(const std::string& shown) {
  auto file = open_task({.process = ::getpid(), .thread = ::gettid()});
  if (file) return file;
  // Without /proc, before Linux 6.9: a new socket belongs to its maker's namespace.
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto by_socket = netns_of_socket(socket.get(), shown);
  return by_socket ? std::move(by_socket) : std::move(file);
}

/// As ip-netns(8) names them, and nothing that could lead elsewhere.
bool is_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

}  // namespace

Result<Netns> Netns::open(const Target& target) {
  const std::string shown = target.to_string();
  struct {
    const std::string& shown;
    Opened operator()(const detail::TaskName& task) const { return open_task(task); }
    Opened operator()(const Target::Named& named) const {
      if (!is_name(named.name)) return refused(EINVAL, shown, "not a name of a network namespace");
      return open_path(shown.c_str(), shown);
    }
    Opened operator()(const std::filesystem::path& path) const {
      if (path.native().find('\0') != std::string::npos) {
        return refused(EINVAL, shown, "a NUL byte in the path");
      }
      return open_path(path.c_str(), shown);
    }
    Opened operator()(Target::Descriptor descriptor) const {
      auto kind = detail::check_namespace(descriptor.fd, CLONE_NEWNET, shown);
      return kind ? Opened(Fd()) : std::unexpected(kind.error());
    }
    Opened operator()(Target::Socket socket) const { return netns_of_socket(socket.fd, shown); }
    Opened operator()(Target::Current) const { return open_current(shown); }
  } const open{shown};

  auto opened = std::visit(open, target.name_);
  if (!opened) return std::unexpected(opened.error());
  if (const auto* borrowed = std::get_if<Target::Descriptor>(&target.name_)) {
    return Netns(borrowed->fd);
  }
  return Netns(std::move(*opened));
}

}  // namespace nsgate
