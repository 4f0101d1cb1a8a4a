// SPDX-License-Identifier: Apache-2.0
//
// Every system call of an entry fails once, with every errno that it can give: the outcome is the
// right stage with the right errno, or a success for a reason that the table says, and nothing is
// left behind. A call that the table does not know makes these tests red.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/fault_table.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/rounds.h"

namespace nsgate::test {
namespace {

using Operation = std::function<Ended()>;

Ended expected(const FaultRow& row, int value, const Ended& without) {
  switch (row.outcome.kind) {
    case Outcome::Kind::told:
      return refused(row.outcome.stage, row.outcome.code != 0 ? row.outcome.code : value);
    case Outcome::Kind::unknown:
      return unknown_end();
    case Outcome::Kind::harmless:
      return without;
  }
  return without;
}

/// The first of a row stands for the others, which differ in the number alone.
std::span<const int> tried(const std::vector<int>& values) {
  return std::span(values).first(thorough() ? values.size()
                                            : std::min<std::size_t>(values.size(), 1));
}

void expect_told(const Operation& operation, const std::vector<Fault>& always, const FaultRow& row,
                 int nth, const Ended& without) {
  for (const int value : tried(row.values)) {
    SCOPED_TRACE(
        row.call + std::string(" #") + std::to_string(nth) + " with " +
        (row.kind == Fault::Kind::result ? std::to_string(value) : ::strerrorname_np(value)));
    std::vector<Fault> faults = always;
    // The first that fits is injected.
    faults.insert(faults.begin(), Fault{row.call, nth, row.kind, value});

    const auto seen = trace(operation, faults);

    EXPECT_EQ(seen.ended, expected(row, value, without));
    EXPECT_EQ(seen.left_behind, "");
    EXPECT_EQ(seen.hang, "");
    // How often the caller waits and reads depends on when the program writes; and whether it has
    // to wait for a thread at all, on which of them is the quicker.
    const bool may_be_absent = nth > 0 || std::string_view(row.call).ends_with(" futex");
    EXPECT_TRUE(may_be_absent || seen.faults > 0);
  }
}

/// Which of so many calls of a name are tried: of many alike the first and the last.
std::set<int> tried(const FaultRow& row, int count) {
  if (count == 0) return {};
  if (row.nth != FaultRow::any) return row.nth < count ? std::set{row.nth} : std::set<int>{};
  if (count > 6) return {0, count - 1};
  std::set<int> all;
  for (int nth = 0; nth < count; ++nth) all.insert(nth);
  return all;
}

/// Of the calls whose maker is `who`. `always` are faults besides.
void expect_every_failure_told(const Operation& operation, std::string_view who,
                               const std::vector<Fault>& always = {}) {
  const auto whole = trace(operation, always);
  ASSERT_EQ(whole.ended, exited(0));
  ASSERT_EQ(whole.left_behind, "");
  const std::set<std::string> names(whole.calls.begin(), whole.calls.end());
  const auto table = fault_table();
  bool any = false;
  for (const auto& name : names) {
    if (!name.starts_with(who)) continue;
    any = true;
    EXPECT_TRUE(std::ranges::any_of(table, [&](const auto& row) { return row.call == name; }))
        << "the table does not know: " << name;
  }
  EXPECT_TRUE(any);
  for (const auto& row : table) {
    if (!std::string_view(row.call).starts_with(who)) continue;
    const auto count = std::ranges::count(whole.calls, row.call);
    for (const int nth : tried(row, static_cast<int>(count))) {
      expect_told(operation, always, row, nth, whole.ended);
    }
  }
}

Ended ended_with_output(const Result<Finished>& ended) {
  // Output that was lost is no success.
  if (ended && ended->succeeded() && ended->out != std::string("hello\0", 6)) return exited(99);
  return how_it_ended(ended);
}

const Command hello{.argv = {helper(), "args", "hello"}};

Operation enters(const ParkedProcess& other) {
  return [&] { return how_it_ended(in_netns(Target::process(other.pid()), [] {})); };
}

Operation executes(const ParkedProcess& other, const Command& command = hello) {
  return [&] { return ended_with_output(exec_in_netns(Target::process(other.pid()), command)); };
}

Operation executes_in_both(const ParkedProcess& other, const Command& command = hello) {
  return [&] {
    return ended_with_output(exec_in_user_netns(UserTarget::process(other.pid()), command));
  };
}

/// With everything that a command can ask of the caller and the child.
const Command full{.argv = {helper(), "args", "hello"},
                   .directory = "/",
                   .stdin_bytes = "input",
                   .pass = {{.fd = STDERR_FILENO, .as = 5}},
                   .deadline = std::chrono::minutes(1),
                   .until = Command::Until::end_of_file,
                   .own_group = true,
                   .credentials = Command::Credentials{.uid = 0, .gid = 0},
                   .no_new_privs = true,
                   .parent_death_signal = SIGTERM};

TEST(InNetns, FailureOfEachSystemCallIsToldRight) {
  BEHAVIOUR("CP12 FD02");
  REQUIRES(unsanitized);
  REQUIRES(root);
  const ScratchNetns other;
  expect_every_failure_told(enters(other), "");
}

// As on a kernel older than 6.11.
TEST(InNetns, FailureOfEachSystemCallThatReadsProcIsToldRight) {
  BEHAVIOUR("CP12 FD02");
  REQUIRES(unsanitized);
  REQUIRES(root);
  const ScratchNetns other;
  expect_every_failure_told(
      enters(other), "caller",
      {{"caller ioctl PIDFD_GET_NET_NAMESPACE", -1, Fault::Kind::error, ENOTTY}});
}

TEST(ExecInNetns, FailureOfEachSystemCallOfTheCallerIsToldRight) {
  BEHAVIOUR("CP12 FD02");
  REQUIRES(unsanitized);
  REQUIRES(root);
  const ScratchNetns other;
  expect_every_failure_told(executes(other), "caller");
}

TEST(ExecInNetns, FailureOfEachSystemCallOfTheChildIsToldRight) {
  BEHAVIOUR("CP12 EX03");
  REQUIRES(root);
  const ScratchNetns other;
  expect_every_failure_told(executes(other), "child");
}

TEST(ExecInUserNetns, FailureOfEachSystemCallOfTheCallerIsToldRight) {
  BEHAVIOUR("CP12 FD02");
  REQUIRES(userns);
  REQUIRES(unsanitized);
  const UserScratch other;
  expect_every_failure_told(executes_in_both(other), "caller");
}

// As on a kernel older than 6.11.
TEST(ExecInUserNetns, FailureOfEachSystemCallThatReadsProcIsToldRight) {
  BEHAVIOUR("CP12 FD02");
  REQUIRES(userns);
  REQUIRES(unsanitized);
  const UserScratch other;
  expect_every_failure_told(
      executes_in_both(other), "caller",
      {{"caller ioctl PIDFD_GET_NET_NAMESPACE", -1, Fault::Kind::error, ENOTTY},
       {"caller ioctl PIDFD_GET_USER_NAMESPACE", -1, Fault::Kind::error, ENOTTY}});
}

TEST(ExecInUserNetns, FailureOfEachSystemCallOfTheChildIsToldRight) {
  BEHAVIOUR("CP12 EX03");
  REQUIRES(userns);
  const UserScratch other;
  expect_every_failure_told(executes_in_both(other), "child");
}

TEST(ExecInUserNetns, FailureOfEachSystemCallOfTheStubIsToldRight) {
  BEHAVIOUR("CP12 EX03");
  REQUIRES(userns);
  const UserScratch other;
  expect_every_failure_told(executes_in_both(other), "stub");
}

TEST(ExecInUserNetns, FailureOfEachSystemCallOfTheCopyIsToldRight) {
  BEHAVIOUR("CP12 EX03");
  REQUIRES(userns);
  const UserScratch other;
  expect_every_failure_told(executes_in_both(other), "child",
                            {{"caller memfd_create nsgate", -1, Fault::Kind::error, EPERM}});
}

TEST(ExecInUserNetns, FailureOfEachSystemCallForAFullCommandIsToldRight) {
  BEHAVIOUR("CP12 EX03");
  REQUIRES(userns);
  const UserScratch other;
  const std::vector<Fault> as_copy{{"caller memfd_create nsgate", -1, Fault::Kind::error, EPERM}};
  expect_every_failure_told(executes_in_both(other, full), "stub");
  expect_every_failure_told(executes_in_both(other, full), "child", as_copy);
}

TEST(ExecInUserNetns, FailureOfEachSystemCallOfTheCallerForAFullCommandIsToldRight) {
  BEHAVIOUR("CP12 EX03");
  REQUIRES(userns);
  REQUIRES(unsanitized);
  const UserScratch other;
  expect_every_failure_told(executes_in_both(other, full), "caller");
}

// As behind a filter older than Linux 5.9.
TEST(ExecInNetns, FailureOfEachSystemCallThatClosesByListingIsToldRight) {
  BEHAVIOUR("CP12 FD02");
  REQUIRES(root);
  const ScratchNetns other;
  expect_every_failure_told(executes(other), "child",
                            {{"child close_range", -1, Fault::Kind::error, ENOSYS}});
}

}  // namespace
}  // namespace nsgate::test
