// SPDX-License-Identifier: Apache-2.0
//
// Failures that would be told as something else, or lose something, or never end.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "support/ended.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/syscall_faults.h"

namespace nsgate::test {
namespace {

const Command exits{.argv = {helper(), "exit", "7"}};

/// For a child. Enters what its own user namespace owns, while one call fails.
template <typename TargetOf>
Ended ended_of_owner(TargetOf target_of, const std::vector<Fault>& faults) {
  if (const int error = unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET); error != 0) {
    return exited(error);
  }
  const ParkedProcess other([] { return unshare_mapped(CLONE_NEWNET); });
  const Fd user = other.open("ns/user");
  const Fd net = other.open("ns/net");
  const auto target = target_of(other, UserTarget::Descriptors{user.get(), net.get()});
  return trace([&] { return how_it_ended(exec_in_user_netns(target, exits)); }, faults).ended;
}

// Without its own user namespace core would try to join it, which is EINVAL.
TEST(ExecInUserNetns, WantOfADescriptorForOneOfTheUserNamespacesIsTold) {
  BEHAVIOUR("FD02");
  REQUIRES(userns);
  const auto process = [](const ParkedProcess& other, const auto&) {
    return UserTarget::process(other.pid());
  };
  EXPECT_EQ(answer_of_child([&] {
              return ended_of_owner(
                  process, {{"caller fstat", 0, Fault::Kind::error, ENOENT},
                            {"caller pidfd_open of itself", 0, Fault::Kind::error, EMFILE}});
            }),
            refused(Stage::open, EMFILE));
  EXPECT_EQ(answer_of_child([&] { return ended_of_owner(process, {}); }), exited(7));
}

/// For a child, that limits its files to so many bytes.
Ended ended_with_file_limit(rlim_t bytes, const UserTarget& target, const Command& command) {
  const rlimit limit{bytes, bytes};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return exited(errno);
  return how_it_ended(exec_in_user_netns(target, command));
}

// A write beyond it would end the caller by SIGXFSZ.
TEST(ExecInUserNetns, FileSizeLimitOfTheCallerIsHeeded) {
  BEHAVIOUR("CP12");
  REQUIRES(userns);
  const UserScratch other;
  const auto target = UserTarget::process(other.pid());
  const Command reads{.argv = {helper(), "stdin"}, .stdin_bytes = std::string(100, 'x')};

  EXPECT_EQ(answer_of_child([&] { return ended_with_file_limit(0, target, exits); }), exited(7));
  EXPECT_EQ(answer_of_child([&] { return ended_with_file_limit(99, target, reads); }),
            refused(Stage::pipe, EFBIG));
  EXPECT_EQ(answer_of_child([&] { return ended_with_file_limit(100, target, reads); }), exited(0));
}

// As behind a filter older than Linux 5.1.
TEST(ExecInUserNetns, DeadlineIsKeptWherePidfdSendSignalIsRefused) {
  BEHAVIOUR("EX23");
  REQUIRES(userns);
  const UserScratch other;
  const Command hangs{.argv = {helper(), "hang"}, .deadline = std::chrono::milliseconds(5)};
  const auto operation = [&] {
    return how_it_ended(exec_in_user_netns(UserTarget::process(other.pid()), hangs));
  };
  for (const int error : {ENOSYS, EPERM}) {
    const auto seen =
        trace(operation, {{"caller pidfd_send_signal", -1, Fault::Kind::error, error}});

    EXPECT_EQ(seen.ended, refused(Stage::wait, ETIMEDOUT));
    EXPECT_EQ(seen.left_behind, "");
    EXPECT_EQ(seen.hang, "");
    EXPECT_GE(seen.faults, 1);
  }
}

}  // namespace
}  // namespace nsgate::test
