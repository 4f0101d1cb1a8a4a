// SPDX-License-Identifier: Apache-2.0
//
// Ports belong to a network namespace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include "nsgate/in_netns.h"
#include "support/child_process.h"
#include "support/matchers.h"
#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

struct Bound {
  Fd socket;
  int error = 0;
};

Bound bind_to(in_port_t port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const bool bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return {std::move(socket), bound ? 0 : errno};
}

constexpr in_port_t port = 7777;

TEST(InNetns, OnePortCanBeBoundInTwoNamespacesAtOnce) {
  BEHAVIOUR("FD12");
  REQUIRES(root);
  const ScratchNetns one;
  const ScratchNetns other;
  const auto bind = [] { return bind_to(port); };

  const auto first = in_netns(Target::process(one.pid()), bind);
  const auto second = in_netns(Target::process(other.pid()), bind);
  const auto again = in_netns(Target::process(one.pid()), bind);

  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->error, 0);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->error, 0);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->error, EADDRINUSE);
}

TEST(Unshare, OnePortCanBeBoundInTwoNamespacesAtOnce) {
  BEHAVIOUR("FD12");
  REQUIRES(userns);
  struct Seen {
    int prepared;
    int first;
    int again;
    int elsewhere;
  };

  const auto seen = answer_of_child([] {
    Seen answer{};
    answer.prepared = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET);
    const auto first = bind_to(port);
    answer.first = first.error;
    answer.again = bind_to(port).error;
    if (::unshare(CLONE_NEWNET) != 0) answer.prepared = errno;
    answer.elsewhere = bind_to(port).error;
    return answer;
  });

  ASSERT_EQ(seen.prepared, 0);
  EXPECT_EQ(seen.first, 0);
  EXPECT_EQ(seen.again, EADDRINUSE);
  EXPECT_EQ(seen.elsewhere, 0);
}

}  // namespace
}  // namespace nsgate::test
