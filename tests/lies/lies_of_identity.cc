// SPDX-License-Identifier: Apache-2.0
//
// Which namespace is which, whose it is, and what leads to it.
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

#include "lies/lies.h"

namespace nsgate::lies {
namespace {

constexpr int so_netns_cookie = 71;  // asm-generic/socket.h
// linux/pidfd.h, Linux 6.11; bookworm's headers are older.
constexpr long pidfd_get_net_namespace = _IO(0xFF, 4);
constexpr long pidfd_get_user_namespace = _IO(0xFF, 9);

/// An ioctl that says something else, once it has succeeded.
Lie ioctl_says(std::string name, std::string what, long request, long instead) {
  return {std::move(name), std::move(what), {SYS_ioctl}, nullptr, [=](Call& call) {
            if (call.argument(1) == request && call.result() >= 0) call.set_result(instead);
          }};
}

void open_own(Call& call, const char* file) {
  const long path = call.put_text(std::string("/proc/thread-self/ns/") + file);
  call.become(SYS_openat, {AT_FDCWD, path, O_RDONLY | O_CLOEXEC});
}

/// An ioctl that gives a namespace gives the caller's own.
Lie ioctl_gives_own(std::string name, std::string what, long request, const char* file) {
  return {std::move(name), std::move(what), {SYS_ioctl}, [=](Call& call) {
            if (call.argument(1) == request) open_own(call, file);
          }};
}

/// SO_NETNS_COOKIE says what next() gives.
Lie cookie(std::string name, std::string what, std::function<std::uint64_t()> next) {
  return {std::move(name), std::move(what), {SYS_getsockopt}, nullptr, [=](Call& call) {
            const bool asked =
                call.argument(1) == SOL_SOCKET && call.argument(2) == so_netns_cookie;
            if (asked && call.result() == 0) call.write(call.argument(3), next());
          }};
}

/// A stat of a namespace file tells what next() gives as its inode.
Lie inode(std::string name, std::string what, std::function<ino_t()> next) {
  struct stat own {};
  ::stat("/proc/self/ns/net", &own);
  return {std::move(name),
          std::move(what),
          {SYS_newfstatat, SYS_fstat, SYS_stat},
          nullptr,
          [=](Call& call) {
            const long address = call.argument(call.number() == SYS_newfstatat ? 2 : 1);
            auto status = call.read<struct stat>(address);
            if (call.result() != 0 || status.st_dev != own.st_dev) return;
            status.st_ino = next();
            call.write(address, status);
          }};
}

/// "/proc/4711/ns/net" and the like.
bool is_netns_of_a_process(const std::string& path) {
  return path.starts_with("/proc/") && path.ends_with("/ns/net") && path.find("self") == path.npos;
}

}  // namespace

std::vector<Lie> lies_of_identity() {
  const auto counter = [] { return [number = 1'000ul]() mutable { return ++number; }; };
  return {
      cookie("cookie-is-everyones", "SO_NETNS_COOKIE is the same in every network namespace",
             [] { return 1ul; }),
      cookie("cookie-changes", "SO_NETNS_COOKIE is another each time", counter()),
      inode("inode-is-everyones", "namespace files all have one inode", [] { return 4711ul; }),
      inode("inode-changes", "a namespace file has another inode each time", counter()),
      ioctl_gives_own("owner-is-the-callers", "NS_GET_USERNS gives the caller's user namespace",
                      NS_GET_USERNS, "user"),
      ioctl_says("owner-is-nobodys-business", "NS_GET_USERNS says EPERM, always", NS_GET_USERNS,
                 -EPERM),
      ioctl_says("parent-is-nobodys-business", "NS_GET_PARENT says EPERM, always", NS_GET_PARENT,
                 -EPERM),
      {"owner-uid-is-zero",
       "NS_GET_OWNER_UID says 0",
       {SYS_ioctl},
       nullptr,
       [](Call& call) {
         const bool asked = call.argument(1) == static_cast<long>(NS_GET_OWNER_UID);
         if (asked && call.result() == 0) call.write(call.argument(2), uid_t{0});
       }},
      ioctl_says("type-is-always-net",
                 "NS_GET_NSTYPE takes every namespace for a network namespace", NS_GET_NSTYPE,
                 CLONE_NEWNET),
      ioctl_says("type-is-unknown", "NS_GET_NSTYPE says ENOTTY of a namespace", NS_GET_NSTYPE,
                 -ENOTTY),
      ioctl_gives_own("pidfd-leads-to-the-callers-netns",
                      "PIDFD_GET_NET_NAMESPACE gives the caller's network namespace",
                      pidfd_get_net_namespace, "net"),
      ioctl_gives_own("pidfd-leads-to-the-callers-userns",
                      "PIDFD_GET_USER_NAMESPACE gives the caller's user namespace",
                      pidfd_get_user_namespace, "user"),
      ioctl_gives_own("socket-leads-to-the-callers-netns",
                      "SIOCGSKNS gives the caller's network namespace", SIOCGSKNS, "net"),
      {"socket-asks-for-no-right",
       "SIOCGSKNS gives a namespace where it has to say EPERM",
       {SYS_ioctl},
       nullptr,
       [](Call& call) {
         if (call.argument(1) == SIOCGSKNS && call.result() == -EPERM) call.set_result(0);
       }},
      {"proc-leads-to-the-callers-netns",
       "/proc/PID/ns/net leads to the network namespace of whoever opens it",
       {SYS_openat},
       [](Call& call) {
         if (is_netns_of_a_process(call.text_at(call.argument(1)))) open_own(call, "net");
       }},
      {"pidfd-open-opens-the-caller",
       "pidfd_open(2) gives a pidfd of the caller",
       {SYS_pidfd_open},
       [](Call& call) { call.set_argument(0, call.task()); }},
      {"pidfd-open-opens-the-leader",
       "pidfd_open(2) of a thread gives a pidfd of its leading thread",
       {SYS_pidfd_open},
       [](Call& call) { call.set_argument(1, call.argument(1) & ~long{O_EXCL}); }},
  };
}

}  // namespace nsgate::lies
