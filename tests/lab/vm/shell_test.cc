// SPDX-License-Identifier: Apache-2.0
//
// `nsgate shell` with a person played by this test: a terminal, keys typed at the prompt.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <array>
#include <chrono>

#include "nsgate_program.h"
#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// This machine's shell and two of its programs, with what they need, as a userland.
fs::path make_userland(const fs::path& root) {
  for (const std::string program : {"/bin/sh", "/usr/bin/id", "/usr/bin/stty"}) {
    const auto place = root / fs::path(program).relative_path();
    fs::create_directories(place.parent_path());
    fs::copy_file(fs::canonical(program), place);
    const auto needed = answer_of({"ldd", program});
    std::istringstream words(needed.out);
    for (std::string word; words >> word;) {
      if (!word.starts_with('/')) continue;
      const auto library = root / fs::path(word).relative_path();
      fs::create_directories(library.parent_path());
      fs::copy_file(fs::canonical(word), library, fs::copy_options::skip_existing);
    }
  }
  return root;
}

/// A terminal and a program in front of it.
class Console {
 public:
  explicit Console(const Words& argv, const Words& env) {
    const winsize size{.ws_row = 33, .ws_col = 99, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::openpty(&master_, &slave_, nullptr, nullptr, &size) != 0) throw std::runtime_error("pty");
    // A program that held its own terminal open would not hear when this test is gone.
    for (const int fd : {master_, slave_}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::tcgetattr(slave_, &before_);
    std::vector<char*> pointers;
    for (const auto& word : argv) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      for (const auto& entry : env) ::putenv(const_cast<char*>(entry.c_str()));
      ::login_tty(::dup(slave_));
      ::execv(pointers[0], pointers.data());
      ::_exit(127);
    }
    pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  }
  Console(const Console&) = delete;
  ~Console() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    for (const int fd : {master_, slave_, pidfd_}) ::close(fd);
  }

  /// Until the text comes, which is not looked for in what was read before; false if the program
  /// ends or a minute passes first.
  bool await(const std::string& text) {
    while (said_.find(text, seen_) == said_.npos) {
      if (!read_some()) return false;
    }
    seen_ = said_.find(text, seen_) + text.size();
    return true;
  }
  void type(const std::string& keys) {
    ASSERT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void kill(int signal) const { ::kill(pid_, signal); }
  /// What it exited with; -1 for any other end.
  int exit() {
    while (read_some()) {
    }
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  bool is_as_before() const {
    termios now{};
    return ::tcgetattr(slave_, &now) == 0 && now.c_lflag == before_.c_lflag &&
           now.c_iflag == before_.c_iflag && now.c_oflag == before_.c_oflag &&
           (::fcntl(slave_, F_GETFL) & O_NONBLOCK) == 0;
  }
  const std::string& said() const { return said_; }

 private:
  bool read_some() {
    std::array<pollfd, 2> events{{{master_, POLLIN, 0}, {pidfd_, POLLIN, 0}}};
    if (::poll(events.data(), events.size(), 60000) <= 0) return false;
    if (events[0].revents == 0) return false;
    std::array<char, 4096> buffer{};
    const auto n = ::read(master_, buffer.data(), buffer.size());
    // Both the guest's terminal and this one put a carriage return before each line feed.
    for (ssize_t i = 0; i < n; ++i) {
      if (buffer[static_cast<std::size_t>(i)] != '\r') said_ += buffer[static_cast<std::size_t>(i)];
    }
    return n > 0;
  }

  int master_ = -1;
  int slave_ = -1;
  int pidfd_ = -1;
  pid_t pid_ = -1;
  termios before_{};
  std::string said_;
  std::size_t seen_ = 0;
};

class NsgateShell : public testing::Test {
 protected:
  Words words(const std::string& user) const {
    return {NSGATE_PROGRAM, "shell",
            "--kernel",     test_kernel_image().string(),
            "--user",       user,
            "--userland",   userland.string(),
            "--payload",    NSGATE_FAULTY_PAYLOAD,
            "--accel",      "tcg",
            "-o",           (folder.path() / "out").string()};
  }

  const ScratchFolder folder;
  const fs::path userland = make_userland(folder.path() / "root");
  const Words env{"XDG_CACHE_HOME=" + (folder.path() / "cache").string(), "TERM=vt220"};
};

TEST_F(NsgateShell, PersonIsTheCellsUserInTheGuest) {
  Console console(words("rootless"), env);
  ASSERT_TRUE(console.await("$ ")) << console.said();
  console.type("id -u; stty size; echo $TERM-$NSGATE_USER\r");
  EXPECT_TRUE(console.await("\n1000\n33 99\nvt220-rootless\n")) << console.said();
  console.type("/payload/nsgate_faulty_payload --gtest_filter=Faulty.Passes\r");
  EXPECT_TRUE(console.await("PASSED")) << console.said();
  // The terminal is the shell's own: Ctrl-C ends what runs in it and nothing else.
  EXPECT_TRUE(console.await("$ "));
  // A key that is typed too early would throw away what follows it.
  console.type("echo wait$((1+1)); read never\r");
  EXPECT_TRUE(console.await("wait2\n"));
  console.type("\x03");
  EXPECT_TRUE(console.await("$ "));
  console.type("exit 3\r");
  EXPECT_EQ(console.exit(), 0) << console.said();
  EXPECT_TRUE(console.is_as_before());
  EXPECT_THAT(console.said(), HasSubstr("Ctrl-A x"));
}

TEST_F(NsgateShell, CtrlAXEndsTheGuestAndAKillRestoresTheTerminal) {
  {
    Console console(words("root"), env);
    ASSERT_TRUE(console.await("# ")) << console.said();
    console.type("\x01x");
    EXPECT_EQ(console.exit(), 0) << console.said();
    EXPECT_TRUE(console.is_as_before());
  }
  Console console(words("root"), env);
  ASSERT_TRUE(console.await("Linux version")) << console.said();
  EXPECT_FALSE(console.is_as_before());
  console.kill(SIGTERM);
  EXPECT_EQ(console.exit(), 130) << console.said();
  EXPECT_TRUE(console.is_as_before());
}

}  // namespace
}  // namespace nsgate::lab
