// SPDX-License-Identifier: Apache-2.0
//
// Sockets that the closure makes and the caller keeps: they stay in the target.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/loopback.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/socket_netns.h"

namespace nsgate::test {
namespace {

Fd tcp_socket() { return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

sockaddr_in loopback_at(in_port_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = port;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Returns 0 or an errno.
int connect_to(const Fd& socket, in_port_t port) {
  const auto address = loopback_at(port);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(socket.get(), generic, sizeof address) == 0 ? 0 : errno;
}

/// Returns 0 or an errno.
int bind_to(const Fd& socket, in_port_t port) {
  const auto address = loopback_at(port);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return ::bind(socket.get(), generic, sizeof address) == 0 ? 0 : errno;
}

in_port_t port_of(const Fd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return address.sin_port;
}

/// A listener on 127.0.0.1, which is brought up for it; empty with errno set when that failed.
Fd listen_on_loopback() {
  Fd listener = tcp_socket();
  errno = set_loopback_up();
  if (errno != 0 || bind_to(listener, 0) != 0 || ::listen(listener.get(), 1) != 0) return Fd();
  return listener;
}

TEST(InNetns, SocketOfTheClosureStaysInTheTarget) {
  BEHAVIOUR("SK01");
  REQUIRES(root);
  const ScratchNetns other;
  const Fd of_caller = tcp_socket();

  const auto of_worker = in_netns(Target::process(other.pid()), tcp_socket);

  ASSERT_THAT(of_worker, IsOk());
  EXPECT_EQ(netns_of_socket(*of_worker), other.id());
  EXPECT_EQ(netns_of_socket(of_caller), current_netns());
}

TEST(InNetns, SocketOfTheClosureHasTheCookieOfTheTarget) {
  BEHAVIOUR("SK01");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());
  const Fd of_caller = tcp_socket();

  const auto of_worker = in_netns(target, tcp_socket);
  const auto of_another_worker = in_netns(target, tcp_socket);
  ASSERT_THAT(of_worker, IsOk());
  ASSERT_THAT(of_another_worker, IsOk());

  const auto cookie = cookie_of_socket(*of_worker);
  // SO_NETNS_COOKIE: socket(7), since Linux 5.14.
  EXPECT_EQ(cookie ? 0 : cookie.error(),
            on_this_kernel<int>({{{0, 0}, ENOPROTOOPT}, {{5, 14}, 0}}));
  EXPECT_EQ(cookie, cookie_of_socket(*of_another_worker));
  EXPECT_EQ(cookie == cookie_of_socket(of_caller), !cookie.has_value());
}

TEST(InNetns, ConnectionAcceptedByTheCallerIsInTheTarget) {
  BEHAVIOUR("SK02");
  REQUIRES(root);
  const ScratchNetns other;
  const auto target = Target::process(other.pid());

  const auto listener = in_netns(target, listen_on_loopback);
  ASSERT_THAT(listener, IsOk());
  const auto client = in_netns(target, tcp_socket);
  ASSERT_THAT(client, IsOk());
  ASSERT_EQ(connect_to(*client, port_of(*listener)), 0);
  const Fd accepted(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));

  ASSERT_TRUE(accepted);
  EXPECT_EQ(netns_of_socket(accepted), other.id());
}

TEST(InNetns, ListenerOfTheClosureIsOutOfTheCallersReachAndInNobodysWay) {
  BEHAVIOUR("SK03");
  REQUIRES(own_netns);
  struct Errors {
    int loopback;
    int connect_inside;
    int connect_outside;
    int bind_outside;
  };

  const auto errors = answer_of_owner([]() -> Errors {
    const ScratchNetns other;
    const auto target = Target::process(other.pid());
    const int loopback = set_loopback_up();
    const auto listener = in_netns(target, listen_on_loopback);
    const auto client = in_netns(target, tcp_socket);
    if (!listener || !client) return {EIO, EIO, EIO, EIO};
    const auto port = port_of(*listener);
    return {.loopback = loopback,
            .connect_inside = connect_to(*client, port),
            .connect_outside = connect_to(tcp_socket(), port),
            .bind_outside = bind_to(tcp_socket(), port)};
  });

  EXPECT_EQ(errors.loopback, 0);
  EXPECT_EQ(errors.connect_inside, 0);
  EXPECT_EQ(errors.connect_outside, ECONNREFUSED);
  EXPECT_EQ(errors.bind_outside, 0);
}

TEST(InNetns, ConnectionOutlivesWorkerProcessAndNameOfItsNamespace) {
  BEHAVIOUR("SK09");
  REQUIRES(root);
  ScratchNetns other;
  const auto id = other.id();
  const auto target = Target::process(other.pid());
  struct Connection {
    Fd client;
    Fd server;
  };

  const auto connection = in_netns(target, []() -> Connection {
    const Fd listener = listen_on_loopback();
    Fd client = tcp_socket();
    if (connect_to(client, port_of(listener)) != 0) return {};
    return {std::move(client), Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))};
  });
  ASSERT_THAT(connection, IsOk());
  other.reap();

  char byte = 0;
  EXPECT_EQ(::send(connection->client.get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(::recv(connection->server.get(), &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'x');
  EXPECT_EQ(netns_of_socket(connection->server), id);
}

}  // namespace
}  // namespace nsgate::test
