// SPDX-License-Identifier: Apache-2.0
//
// close_range(2): since Linux 5.9, to mark instead of to close since 5.11. Core needs neither.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/child_process.h"
#include "support/exec_ways.h"
#include "support/kernel.h"
#include "support/matchers.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

using ::testing::ElementsAre;

constexpr unsigned close_range_cloexec = 1u << 2;
constexpr int first = 50;

/// FD_CLOEXEC, 0, or -1 where nothing is open, of three descriptors from `first` on.
using Flags = std::array<int, 3>;

struct Seen {
  int error;
  Flags flags;
};

/// What close_range of the first two of three open descriptors does to them.
Seen apply(unsigned flags) {
  return answer_of_child([=] {
    for (int fd = first; fd < first + 3; ++fd) ::dup2(0, fd);
    Seen seen{};
    seen.error = error_of(::syscall(SYS_close_range, first, first + 1, flags));
    for (int i = 0; i < 3; ++i)
      seen.flags[static_cast<std::size_t>(i)] = ::fcntl(first + i, F_GETFD);
    return seen;
  });
}

TEST(CloseRange, ClosesWhatIsInTheRangeAndNothingElse) {
  BEHAVIOUR("AP09");
  const auto seen = apply(0);
  // close_range(2): since Linux 5.9.
  EXPECT_EQ(seen.error, on_this_kernel<int>({{{0, 0}, ENOSYS}, {{5, 9}, 0}}));
  if (seen.error == 0) {
    EXPECT_THAT(seen.flags, ElementsAre(-1, -1, 0));
  }
}

TEST(CloseRange, MarksWhatIsInTheRangeSinceLinux511) {
  BEHAVIOUR("AP10");
  const auto seen = apply(close_range_cloexec);
  // close_range(2): CLOSE_RANGE_CLOEXEC since Linux 5.11.
  EXPECT_EQ(seen.error, on_this_kernel<int>({{{0, 0}, ENOSYS}, {{5, 9}, EINVAL}, {{5, 11}, 0}}));
  EXPECT_THAT(seen.flags,
              on_this_kernel<Flags>({{{0, 0}, {0, 0, 0}}, {{5, 11}, {FD_CLOEXEC, FD_CLOEXEC, 0}}}));
}

/// The helper's list of what is open, by a way that inherits two descriptors too many.
std::map<std::string, std::string> listed_by_each_way(int refused) {
  std::map<std::string, std::string> listed;
  for (const auto& [way, execute] : exec_ways()) {
    struct Text {
      std::array<char, 256> bytes;
    };
    const auto text = answer_of_child([&, &run = execute] {
      Text told{};
      ::dup2(0, first);
      ::dup2(0, first + 10);
      if (refused != 0 && refuse_syscall(SYS_close_range, refused) != 0) return told;
      const auto ended = run({.argv = {helper(), "fds"}});
      const std::string out = ended ? ended->out : ended.error().message();
      out.copy(told.bytes.data(), told.bytes.size() - 1);
      return told;
    });
    listed[way] = text.bytes.data();
  }
  return listed;
}

TEST(Exec, ProgramHasNoDescriptorTooManyWhateverCloseRangeCanDo) {
  BEHAVIOUR("AP09 AP10");
  REQUIRES(userns);
  const auto ordinary = listed_by_each_way(0);
  const auto without = listed_by_each_way(ENOSYS);

  EXPECT_EQ(ordinary, without);
  for (const auto& [way, list] : ordinary) {
    SCOPED_TRACE(way);
    EXPECT_EQ(list, "0\n1\n2\n");
  }
}

}  // namespace
}  // namespace nsgate::test
