// SPDX-License-Identifier: Apache-2.0
//
// Local sockets and network namespaces: abstract names belong to one, path names to none, and what
// is passed over a local socket stays where it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/socket_netns.h"

namespace nsgate::test {
namespace {

struct LocalAddress {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address); }
};

Fd local_socket() { return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

/// Returns 0 or an errno.
int connect_to(const Fd& socket, LocalAddress address) {
  return ::connect(socket.get(), address.generic(), address.size) == 0 ? 0 : errno;
}

/// Binds to the address, or to an abstract name of the kernel's choice when it is empty, and
/// listens. Returns where.
LocalAddress listen_at(const Fd& socket, LocalAddress address) {
  ::bind(socket.get(), address.generic(), address.size);
  ::listen(socket.get(), 2);
  LocalAddress bound;
  ::getsockname(socket.get(), bound.generic(), &bound.size);
  return bound;
}

TEST(InNetns, AbstractNamesOfTheCallerAreReachedByItsOwnSocketsOnly) {
  BEHAVIOUR("SK04");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());
  const Fd listener = local_socket();
  LocalAddress unnamed;
  unnamed.address.sun_family = AF_UNIX;
  unnamed.size = sizeof unnamed.address.sun_family;
  const auto address = listen_at(listener, unnamed);
  const Fd of_caller = local_socket();

  EXPECT_GT(address.size, unnamed.size);
  EXPECT_THAT(in_netns(target, [&] { return connect_to(local_socket(), address); }),
              IsOkAndHolds(ECONNREFUSED));
  EXPECT_THAT(in_netns(target, [&] { return connect_to(of_caller, address); }), IsOkAndHolds(0));
}

TEST(InNetns, PathNamesOfLocalSocketsAreReachedFromAnyNamespace) {
  BEHAVIOUR("SK05");
  REQUIRES(root);
  const ScratchNetns other;
  const std::string path = "nsgate-" + std::to_string(::getpid()) + ".sock";
  LocalAddress named;
  named.address.sun_family = AF_UNIX;
  std::ranges::copy(path, named.address.sun_path);
  const Fd listener = local_socket();
  listen_at(listener, named);

  const auto error =
      in_netns(Target::process(other.pid()), [&] { return connect_to(local_socket(), named); });
  std::filesystem::remove(path);

  EXPECT_THAT(error, IsOkAndHolds(0));
}

/// Sends the descriptor over a local socket, and takes it there.
void send_fd(int through, int fd) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  *reinterpret_cast<int*>(CMSG_DATA(header)) = fd;
  ::sendmsg(through, &message, 0);
}

Fd receive_fd(int through) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(through, &message, MSG_CMSG_CLOEXEC) <= 0) return Fd();
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  return header == nullptr ? Fd() : Fd(*reinterpret_cast<const int*>(CMSG_DATA(header)));
}

TEST(InNetns, SocketPassedToAnotherProcessStaysInTheTarget) {
  BEHAVIOUR("SK08");
  REQUIRES(own_netns);
  struct Seen {
    NamespaceId target;
    NamespaceId receiver;
    NamespaceId socket;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    std::array<int, 2> ends{};
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data());
    const Fd to(ends[0]);
    const Fd from(ends[1]);
    answer_of_child([&] {
      const auto socket = in_netns(Target::process(other.pid()), local_socket);
      send_fd(to.get(), socket->get());
      return 0;
    });
    return Seen{other.id(), current_netns(), netns_of_socket(receive_fd(from.get()))};
  });

  EXPECT_EQ(seen.socket, seen.target);
  EXPECT_NE(seen.receiver, seen.target);
}

}  // namespace
}  // namespace nsgate::test
