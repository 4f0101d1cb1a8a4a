// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that are passed to a program on purpose, by number.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/exec_ways.h"
#include "support/matchers.h"
#include "support/open_fds.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// A file that is told from others by its length, at a number of the caller's that is not lower
/// than `at_least`.
Fd file_of_length(off_t length, int at_least = 3) {
  const Fd file(::memfd_create("nsgate_test", MFD_CLOEXEC));
  if (!file || ::ftruncate(file.get(), length) != 0) {
    throw std::system_error(errno, std::generic_category(), "memfd_create");
  }
  return Fd(::fcntl(file.get(), F_DUPFD_CLOEXEC, at_least));
}

/// What the program's descriptors above 2 are, by the length of the file: from `lengths`.
std::map<int, off_t> lengths_in(const Result<Finished>& ended) {
  std::map<int, off_t> lengths;
  if (!ended) return {{-1, ended.error().code}};
  std::istringstream lines(ended->out);
  int fd = -1;
  off_t length = -1;
  while (lines >> fd >> length) {
    if (fd > STDERR_FILENO) lengths[fd] = length;
  }
  return lengths;
}

Command with(std::vector<Command::Passed> pass) {
  return {.argv = {helper(), "lengths"}, .pass = std::move(pass)};
}

using Lengths = std::map<int, off_t>;

TEST(Exec, PassedDescriptorsHaveTheirNumbersAndThereIsNoOther) {
  BEHAVIOUR("FD01");
  REQUIRES(userns);
  const Fd one = file_of_length(1);
  const Fd two = file_of_length(2);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const OpenFds before;

    EXPECT_EQ(lengths_in(execute(with({}))), (Lengths{}));
    EXPECT_EQ(lengths_in(execute(with({{one.get(), 3}}))), (Lengths{{3, 1}}));
    EXPECT_EQ(lengths_in(execute(with({{one.get(), 9}, {two.get(), 4}}))),
              (Lengths{{4, 2}, {9, 1}}));
    // One for several numbers, and a number that is given twice.
    EXPECT_EQ(lengths_in(execute(with({{one.get(), 5}, {one.get(), 3}}))),
              (Lengths{{3, 1}, {5, 1}}));
    EXPECT_EQ(lengths_in(execute(with({{one.get(), 5}, {two.get(), 5}}))), (Lengths{{5, 2}}));
    EXPECT_EQ(OpenFds(), before);
  }
}

TEST(Exec, PassedDescriptorsMayChangePlaces) {
  BEHAVIOUR("FD01 FD07");
  REQUIRES(userns);
  const Fd one = file_of_length(1, 30);
  const Fd two = file_of_length(2, 31);
  const Fd three = file_of_length(3, 32);
  const int a = one.get();
  const int b = two.get();
  const int c = three.get();
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    EXPECT_EQ(lengths_in(execute(with({{a, a}}))), (Lengths{{a, 1}}));
    EXPECT_EQ(lengths_in(execute(with({{a, b}, {b, a}}))), (Lengths{{a, 2}, {b, 1}}));
    EXPECT_EQ(lengths_in(execute(with({{a, b}, {b, c}, {c, a}}))),
              (Lengths{{a, 3}, {b, 1}, {c, 2}}));
    // Beside core's own: below, among and above.
    EXPECT_EQ(lengths_in(execute(with({{a, 3}, {b, b + 1}, {c, 400}}))),
              (Lengths{{3, 1}, {b + 1, 2}, {400, 3}}));
  }
}

TEST(Exec, StandardDescriptorsOfTheCallerCanBePassed) {
  BEHAVIOUR("FD01");
  REQUIRES(userns);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    const auto ended = execute({.argv = {helper(), "fds"}, .pass = {{STDERR_FILENO, 7}}});

    EXPECT_THAT(ended, Prints("0\n1\n2\n7\n"));
  }
}

TEST(Exec, DescriptorThatCannotBePassedIsRefusedBeforeThereIsAChild) {
  BEHAVIOUR("EX03 FD01");
  REQUIRES(userns);
  const Fd one = file_of_length(1);
  const int closed = file_of_length(1, 50).get();
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const OpenFds before;

    for (const int as : {-1, 0, 1, 2}) {
      EXPECT_THAT(execute(with({{one.get(), as}})), FailsAt(Stage::exec, EINVAL));
    }
    EXPECT_THAT(execute(with({{closed, 3}})), FailsAt(Stage::pipe, EBADF));
    EXPECT_THAT(execute(with({{one.get(), 4}, {-1, 3}})), FailsAt(Stage::pipe, EBADF));
    EXPECT_EQ(OpenFds(), before);
  }
}

/// For the rest of the test; 0 or an errno.
int limit_descriptors(rlim_t number) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return errno;
  files.rlim_cur = number;
  return ::setrlimit(RLIMIT_NOFILE, &files) == 0 ? 0 : errno;
}

TEST(Exec, NumberBeyondTheLimitIsRefusedBeforeThereIsAChild) {
  BEHAVIOUR("FD08");
  REQUIRES(userns);
  const Fd one = file_of_length(1);
  ASSERT_EQ(limit_descriptors(64), 0);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);
    const OpenFds before;

    // fcntl(2): F_DUPFD refuses a number beyond the limit with EINVAL.
    for (const int as : {64, 1 << 20, INT_MAX - 2, INT_MAX}) {
      EXPECT_THAT(execute(with({{one.get(), as}})), FailsAt(Stage::pipe, EINVAL)) << as;
    }
    EXPECT_EQ(lengths_in(execute(with({{one.get(), 40}}))), (Lengths{{40, 1}}));
    EXPECT_EQ(OpenFds(), before);
  }
}

TEST(Exec, NumberBelowTheLimitIsGivenWhereRoomIsLeftAboveIt) {
  BEHAVIOUR("FD08");
  REQUIRES(userns);
  const Fd one = file_of_length(1);
  ASSERT_EQ(limit_descriptors(64), 0);
  for (const auto& [way, execute] : exec_ways()) {
    SCOPED_TRACE(way);

    // 11, and one for each.
    EXPECT_EQ(lengths_in(execute(with({{one.get(), 51}}))), (Lengths{{51, 1}}));
    EXPECT_EQ(lengths_in(execute(with({{one.get(), 50}, {one.get(), 49}}))),
              (Lengths{{49, 1}, {50, 1}}));
    EXPECT_THAT(execute(with({{one.get(), 63}})), FailsAt(Stage::pipe, EINVAL));
  }
}

RC_GTEST_PROP(ExecLaw, AnySetOfPassedDescriptorsArrivesExactly, ()) {
  BEHAVIOUR("FD01 FD07");
  REQUIRES(userns);
  static const auto ways = exec_ways();
  constexpr int most = 60;
  // The caller's files are among the numbers that the program gets.
  std::vector<Fd> files;
  const auto sources = *rc::gen::container<std::set<int>>(rc::gen::inRange(20, most));
  for (const int at_least : sources) {
    files.push_back(file_of_length(static_cast<off_t>(files.size()) + 1, at_least));
  }
  std::vector<Command::Passed> pass;
  Lengths expected;
  for (const int as : *rc::gen::container<std::set<int>>(rc::gen::inRange(3, most))) {
    if (files.empty()) break;
    const auto which = *rc::gen::inRange<std::size_t>(0, files.size());
    pass.push_back({files[which].get(), as});
    expected[as] = static_cast<off_t>(which) + 1;
  }
  const OpenFds before;
  for (const auto& [way, execute] : ways) {
    RC_LOG() << way << '\n';
    RC_ASSERT(lengths_in(execute(with(pass))) == expected);
    RC_ASSERT(OpenFds() == before);
  }
}

}  // namespace
}  // namespace nsgate::test
