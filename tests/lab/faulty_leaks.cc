// SPDX-License-Identifier: Apache-2.0
//
// Tests that pass and leave something behind in the guest, or in its clock.
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <string>

#include "faulty.h"

namespace {

/// Writes all or fails the test.
void write_to(const std::string& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0) << file << ": " << std::strerror(errno);
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()))
      << file << ": " << std::strerror(errno);
  ::close(fd);
}

TEST_F(Faulty, PinsANamespace) {
  const int pin = ::open("/run/pin", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(pin, 0) << "needs root";
  ::close(pin);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool done = ::unshare(CLONE_NEWNET) == 0 &&
                      ::mount("/proc/self/ns/net", "/run/pin", nullptr, MS_BIND, nullptr) == 0;
    ::_exit(done ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST_F(Faulty, LeavesAMount) {
  ASSERT_EQ(::mkdir("/run/mounted", 0700), 0) << "needs root";
  ASSERT_EQ(::mount("tmpfs", "/run/mounted", "tmpfs", 0, nullptr), 0);
}

// Debian's cloud kernels have no builtin interface but lo: a new name is a new interface.
TEST_F(Faulty, LeavesAnInterface) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(fd, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  ASSERT_EQ(::ioctl(fd, SIOCSIFFLAGS, &request), 0) << "needs root";
  std::strcpy(request.ifr_newname, "left0");
  ASSERT_EQ(::ioctl(fd, SIOCSIFNAME, &request), 0) << std::strerror(errno);
}

// A control group gives it 1 ms of processor in each second, and to give back its memory takes
// longer than that: SIGKILL does not end it for a long time.
TEST_F(Faulty, LeavesAProcessThatDiesTooSlowly) {
  const std::string root = "/sys/fs/cgroup";
  ASSERT_NO_FATAL_FAILURE(write_to(root + "/cgroup.subtree_control", "+cpu"));
  ASSERT_EQ(::mkdir((root + "/slow").c_str(), 0755), 0);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr std::size_t page = 4096;
    constexpr std::size_t size = 96 << 20;
    void* const memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // One huge page is given back as fast as a small one.
    ::madvise(memory, size, MADV_NOHUGEPAGE);
    for (std::size_t at = 0; at < size; at += page) static_cast<volatile char*>(memory)[at] = 1;
    [[maybe_unused]] const auto told = ::write(ready[1], "", 1);
    stay();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_NO_FATAL_FAILURE(write_to(root + "/slow/cpu.max", "1000 1000000"));
  ASSERT_NO_FATAL_FAILURE(write_to(root + "/slow/cgroup.procs", std::to_string(child)));
}

void jump_by(time_t seconds) {
  timespec now{};
  ASSERT_EQ(::clock_gettime(CLOCK_REALTIME, &now), 0);
  now.tv_sec += seconds;
  ASSERT_EQ(::clock_settime(CLOCK_REALTIME, &now), 0) << "needs root";
}

TEST_F(Faulty, SetsTheClockForward) { ASSERT_NO_FATAL_FAILURE(jump_by(10L * 365 * 86400)); }

TEST_F(Faulty, SetsTheClockBack) {
  timeval now{};
  ASSERT_EQ(::gettimeofday(&now, nullptr), 0);
  now.tv_sec -= 20L * 365 * 86400;
  ASSERT_EQ(::settimeofday(&now, nullptr), 0) << "needs root";
}

// Its deadline must come neither at once nor never.
TEST_F(Faulty, SetsTheClockAndHangs) {
  ASSERT_NO_FATAL_FAILURE(jump_by(-86400L));
  stay();
}

// The last of all that the payload has (tests/CMakeLists.txt): passes, if it is reached.
TEST_F(Faulty, ComesLast) {}

}  // namespace
