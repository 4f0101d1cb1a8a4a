// SPDX-License-Identifier: Apache-2.0
#include "nsgate/error.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "support/behaviours.h"

namespace nsgate {
namespace {

TEST(Error, MessageNamesStageOperandsAndErrno) {
  BEHAVIOUR("EX03");
  EXPECT_EQ((Error{Stage::setns_net, EPERM, "pid 4711"}.message()),
            "setns(CLONE_NEWNET) of pid 4711: EPERM (Operation not permitted)");
  EXPECT_EQ((Error{Stage::open, ENOENT, "/proc/4711/ns/net"}.message()),
            "open /proc/4711/ns/net: ENOENT (No such file or directory)");
  EXPECT_EQ((Error{Stage::exec, EACCES, "/etc/passwd in pid 4711"}.message()),
            "execve /etc/passwd in pid 4711: EACCES (Permission denied)");
}

TEST(Error, MessageNamesTheSignalThatKilledTheChild) {
  BEHAVIOUR("EX23");
  EXPECT_EQ((Error{Stage::setns_net, 0, "pid 4711", SIGSYS}.message()),
            "setns(CLONE_NEWNET) of pid 4711: the child was killed by SIGSYS");
}

TEST(Error, MessageOfAWorkerWithoutResultHasNoErrno) {
  BEHAVIOUR("XD04");
  EXPECT_EQ((Error{Stage::worker, 0, "pid 4711"}.message()),
            "worker in pid 4711: ended without a result");
}

TEST(Error, MessageShowsAnErrnoThatHasNoName) {
  BEHAVIOUR("EX03");
  EXPECT_EQ((Error{Stage::open, 4095, "/x"}.message()), "open /x: errno 4095");
}

TEST(Error, MessageSaysWhatWasTriedAtEachStage) {
  BEHAVIOUR("EX03");
  const std::vector<std::pair<Stage, std::string>> words{
      {Stage::open, "open"},
      {Stage::thread, "pthread_create for"},
      {Stage::pipe, "pipes for"},
      {Stage::clone, "clone for"},
      {Stage::stdio, "dup3 for"},
      {Stage::descriptors, "close_range for"},
      {Stage::setns_user, "setns(CLONE_NEWUSER) of"},
      {Stage::setns_net, "setns(CLONE_NEWNET) of"},
      {Stage::setns_both, "setns(CLONE_NEWUSER | CLONE_NEWNET) of"},
      {Stage::credentials, "credentials for"},
      {Stage::directory, "chdir for"},
      {Stage::exec, "execve"},
      {Stage::wait, "wait for"},
      {Stage::worker, "worker in"}};
  for (const auto& [stage, tried] : words) {
    EXPECT_EQ((Error{stage, EPERM, "x"}).message(), tried + " x: EPERM (Operation not permitted)");
  }
}

TEST(Error, MessageEndsInTheNote) {
  BEHAVIOUR("TR07");
  EXPECT_EQ((Error{Stage::open, EINVAL, "/x", 0, "not a namespace"}).message(),
            "open /x: EINVAL (Invalid argument): not a namespace");
}

}  // namespace
}  // namespace nsgate
