// SPDX-License-Identifier: Apache-2.0
//
// A broken guest is never a pass (faults_test.cc), also where it is broken from outside while it
// runs, or given up by a person.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "vm/faulty_run.h"
#include "vm/folder_watch.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A run that is looked at while it goes on.
class RunInProgress : public FaultyRun {
 protected:
  static constexpr std::chrono::seconds patience{120};

  void start(const Words& tests, const Words& more = {}) {
    auto argv = command("root", tests, more);
    argv.insert(argv.end(), {"--json", "--accel", "tcg"});
    auto started = Process::start({.argv = argv,
                                   .extra_env = {},
                                   .stderr_file = folder.path() / "stderr",
                                   .working_directory = {}});
    ASSERT_TRUE(started) << started.error().message;
    nsgate_.emplace(std::move(*started));
  }

  void await_start_of(const std::string& test) const {
    // To the end of its line: nsgate does not know of a frame that is cut by what is done next.
    const auto frame = " start {\"test\":\"Faulty." + test + "\"}\n";
    const auto started = [&] { return file("frames.log").contains(frame); };
    ASSERT_TRUE(watch_.await(started, patience, nsgate_->pidfd()))
        << test << " never started: " << contents(folder.path() / "stderr");
  }

  /// A file of the one cell, empty as long as it is not there.
  std::string file(const std::string& name) const {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(results(), error)) {
      if (entry.is_directory() && fs::exists(entry.path() / name)) {
        return contents(entry.path() / name);
      }
    }
    return {};
  }

  pid_t qemu() const {
    const auto pid = std::to_string(nsgate_->pid());
    for (const auto& thread : fs::directory_iterator("/proc/" + pid + "/task")) {
      std::ifstream children(thread.path() / "children");
      for (pid_t child = 0; children >> child;) {
        if (contents("/proc/" + std::to_string(child) + "/comm").starts_with("qemu")) return child;
      }
    }
    // There is no pid to return: 0 and -1 are whole groups of processes to kill(2).
    throw std::runtime_error("nsgate has no QEMU");
  }

  static bool is_gone(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

  JudgedCell finish() {
    std::string out;
    std::array<char, 65536> buffer{};
    ssize_t size = 0;
    while ((size = ::read(nsgate_->stdout_fd(), buffer.data(), buffer.size())) != 0) {
      if (size > 0) out.append(buffer.data(), static_cast<std::size_t>(size));
      pollfd more{nsgate_->stdout_fd(), POLLIN, 0};
      if (size < 0) ::poll(&more, 1, -1);
    }
    const int status = nsgate_->wait();
    return judged_of({exit_code(status), out, contents(folder.path() / "stderr")});
  }

  std::optional<Process> nsgate_;

 private:
  FolderWatch watch_{folder.path()};
};

TEST_F(RunInProgress, KilledQemu) {
  ASSERT_NO_FATAL_FAILURE(start({"Passes", "Hangs", "ComesLast"}));
  ASSERT_NO_FATAL_FAILURE(await_start_of("Hangs"));
  ASSERT_EQ(::kill(qemu(), SIGKILL), 0);
  const auto run = finish();
  EXPECT_EQ(run.exit, 2) << run.err;
  EXPECT_EQ(run.guests(), 2u);
  EXPECT_EQ(run.status("Passes"), "PASS");
  EXPECT_EQ(run.status("Hangs"), "ERROR");
  EXPECT_EQ(run.reason("Hangs"), "was running when: QEMU was killed by signal 9");
  EXPECT_EQ(run.status("ComesLast"), "PASS");
}

TEST_F(RunInProgress, StoppedQemu) {
  ASSERT_NO_FATAL_FAILURE(start({"Passes", "Hangs", "ComesLast"}, {"--silence", "3"}));
  ASSERT_NO_FATAL_FAILURE(await_start_of("Hangs"));
  const auto stopped = qemu();
  ASSERT_EQ(::kill(stopped, SIGSTOP), 0);
  const auto run = finish();
  EXPECT_EQ(run.exit, 124) << run.err;
  EXPECT_EQ(run.status("Hangs"), "ERROR");
  EXPECT_THAT(run.reason("Hangs"), HasSubstr("the guest hung during Faulty.Hangs"));
  EXPECT_EQ(run.status("ComesLast"), "PASS");
  EXPECT_TRUE(is_gone(stopped));
}

TEST_F(RunInProgress, Interrupt) {
  ASSERT_NO_FATAL_FAILURE(start({"Passes", "Hangs", "ComesLast"}));
  ASSERT_NO_FATAL_FAILURE(await_start_of("Hangs"));
  const auto guest = qemu();
  ASSERT_EQ(::kill(nsgate_->pid(), SIGINT), 0);
  const auto run = finish();
  EXPECT_EQ(run.exit, 130) << run.err;
  EXPECT_TRUE(is_gone(guest)) << "QEMU " << guest << " is an orphan";
  EXPECT_EQ(run.cell["verdict"], "interrupted");
  EXPECT_EQ(run.status("Passes"), "PASS");
  EXPECT_EQ(run.status("Hangs"), "MISS");
  EXPECT_EQ(run.reason("Hangs"), "interrupted");
  EXPECT_EQ(run.status("ComesLast"), "MISS");
  // The same is kept, and the secrets' image is not.
  EXPECT_EQ(nlohmann::json::parse(file("results.json"))["verdict"], "interrupted");
  EXPECT_EQ(file("initramfs.cpio"), "");
}

// After the first, nsgate waits for whoever should read its results, for ever.
TEST_F(RunInProgress, SecondInterruptEndsAtOnce) {
  ASSERT_NO_FATAL_FAILURE(start({"*"}));
  ASSERT_EQ(::fcntl(nsgate_->stdout_fd(), F_SETPIPE_SZ, 1), 4096) << std::strerror(errno);
  ASSERT_NO_FATAL_FAILURE(await_start_of("Hangs"));
  ASSERT_EQ(::kill(nsgate_->pid(), SIGINT), 0);
  const auto is_blocked = [&] {
    int waiting = 0;
    if (::ioctl(nsgate_->stdout_fd(), FIONREAD, &waiting) != 0 || waiting == 0) return false;
    const auto stat = contents("/proc/" + std::to_string(nsgate_->pid()) + "/stat");
    return stat.contains(") S ");
  };
  // The state of a process in /proc tells nobody that it changes: that has to be looked at.
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!is_blocked()) {
    ASSERT_LT(std::chrono::steady_clock::now(), until)
        << "the results are too short to block nsgate";
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_EQ(::kill(nsgate_->pid(), SIGINT), 0);
  const int status = nsgate_->wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
}

}  // namespace
}  // namespace nsgate::lab
