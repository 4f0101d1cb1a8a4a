// SPDX-License-Identifier: Apache-2.0
//
// Tests that break the machine under them: the kernel, init, the serial ports. All need root. What
// they do is real unless their name says Pretends.
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <sched.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "faulty.h"

namespace {

void write_to(const char* file, std::string_view text) {
  const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0) << file << ": " << std::strerror(errno);
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()))
      << file << ": " << std::strerror(errno);
  ::close(fd);
}

void be_alone_on_the_processor() {
  // Without this, 50 ms of each second are left to the others (sched(7)).
  ASSERT_NO_FATAL_FAILURE(write_to("/proc/sys/kernel/sched_rt_runtime_us", "-1"));
  const sched_param most{.sched_priority = 99};
  ASSERT_EQ(::sched_setscheduler(0, SCHED_FIFO, &most), 0);
}

void spin_for(time_t seconds) {
  timespec start{};
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    ::clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec < start.tv_sec + seconds);
}

/// Almost always a grace period of RCU in progress, as long as this process lives: each file that
/// is closed is freed by call_rcu (fs/file_table.c). Not membarrier(2), which does nothing on a
/// single processor (kernel/sched/membarrier.c).
[[noreturn]] void keep_rcu_busy() {
  for (;;) ::close(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// Lets whoever has a lower priority run.
void stand_back() {
  constexpr timespec a_while{.tv_sec = 0, .tv_nsec = 100'000'000};
  ::nanosleep(&a_while, nullptr);
}

bool has_said(int kmsg, std::string_view what) {
  std::array<char, 8192> record{};
  for (ssize_t size = 0; (size = ::read(kmsg, record.data(), record.size())) > 0;) {
    if (std::string_view(record.data(), static_cast<std::size_t>(size)).contains(what)) return true;
  }
  return false;
}

// The only processor never runs the thread that ends RCU's grace periods. Between two of them there
// is nothing to stall: then once more, after another has had time to begin.
void stall_rcu() {
  ASSERT_NO_FATAL_FAILURE(write_to("/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout", "3"));
  const int kmsg = ::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(kmsg, 0);
  ASSERT_GE(::lseek(kmsg, 0, SEEK_END), 0);
  const pid_t child = ::fork();
  if (child == 0) keep_rcu_busy();
  ASSERT_GT(child, 0);
  ASSERT_NO_FATAL_FAILURE(be_alone_on_the_processor());
  for (int tries = 0; !has_said(kmsg, "detected stalls"); ++tries) {
    ASSERT_LT(tries, 8) << "the kernel did not notice";
    stand_back();
    spin_for(4);
  }
}

TEST_F(Faulty, StallsRcu) { ASSERT_NO_FATAL_FAILURE(stall_rcu()); }

// The console is told nothing: /dev/kmsg has to.
TEST_F(Faulty, StallsRcuInSilence) {
  constexpr int set_console_level = 8;  // syslog(2)
  ASSERT_EQ(::klogctl(set_console_level, nullptr, 1), 0);
  ASSERT_NO_FATAL_FAILURE(stall_rcu());
}

// No stock kernel warns because root wants it to: the line is ours, on the console where the
// kernel's would be.
TEST_F(Faulty, PretendsAWarning) {
  ASSERT_NO_FATAL_FAILURE(write_to("/dev/kmsg", "<4>------------[ cut here ]------------"));
  ASSERT_NO_FATAL_FAILURE(
      write_to("/dev/kmsg", "<4>WARNING: CPU: 0 PID: 7 at net/core/dev.c:1 pretended+0x1/0x2"));
}

TEST_F(Faulty, PretendsABug) {
  ASSERT_NO_FATAL_FAILURE(write_to("/dev/kmsg", "<1>BUG: kernel NULL pointer dereference"));
  ::raise(SIGKILL);
}

// The flag is real: it is the one that a WARN sets, and root may set it too.
TEST_F(Faulty, TaintsTheKernel) {
  ASSERT_NO_FATAL_FAILURE(write_to("/proc/sys/kernel/tainted", "512"));
}

// More than the kernel's log holds, so that a warning among it would be overwritten unread.
TEST_F(Faulty, FloodsTheKernelsLog) {
  constexpr int set_console_level = 8;
  ASSERT_EQ(::klogctl(set_console_level, nullptr, 1), 0);
  const int fd = ::open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const std::string line = "<6>" + std::string(900, '.');
  for (int i = 0; i < 4096; ++i) ASSERT_GT(::write(fd, line.data(), line.size()), 0);
  constexpr int usual = 7;
  ASSERT_EQ(::klogctl(set_console_level, nullptr, usual), 0);
}

TEST_F(Faulty, EatsAllMemory) {
  constexpr std::size_t step = 4 << 20;
  for (;;) {
    void* const memory =
        ::mmap(nullptr, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    std::memset(memory, 1, step);
  }
}

// SIGKILL from below does not reach PID 1; a fault of its own does.
TEST_F(Faulty, SegfaultsInit) {
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, 1, nullptr, nullptr), 0);
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, 1, nullptr, nullptr), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(1, &status, __WALL), 1);
  user_regs_struct registers{};
  ASSERT_EQ(::ptrace(PTRACE_GETREGS, 1, nullptr, &registers), 0);
  registers.rip = 0;
  registers.orig_rax = ~0ULL;  // no system call to be restarted
  ASSERT_EQ(::ptrace(PTRACE_SETREGS, 1, nullptr, &registers), 0);
  ASSERT_EQ(::ptrace(PTRACE_DETACH, 1, nullptr, nullptr), 0);
  stay();
}

// What runs then is no kernel any more, and nothing can interrupt it.
TEST_F(Faulty, HaltsWithInterruptsOff) {
  static constexpr std::array<unsigned char, 4> code = {0xfa, 0xf4, 0xeb, 0xfd};  // cli; hlt; jmp
  static constexpr unsigned long somewhere = 0x1000000;
  static constexpr std::size_t page = 4096;
  kexec_segment segment{};
  segment.buf = code.data();
  segment.bufsz = code.size();
  segment.mem = reinterpret_cast<const void*>(somewhere);
  segment.memsz = page;
  ASSERT_EQ(::syscall(SYS_kexec_load, somewhere, 1UL, &segment, KEXEC_ARCH_X86_64), 0)
      << std::strerror(errno);
  ::reboot(LINUX_REBOOT_CMD_KEXEC);
  FAIL() << "reboot(KEXEC) returned: " << std::strerror(errno);
}

constexpr unsigned short frames_port = 0x2f8;  // ttyS1 of a PC

// Its transmitter is looped back to its receiver: every byte is sent, and none arrives.
TEST_F(Faulty, SilencesTheSerialPort) {
  constexpr unsigned short modem_control = 4;
  constexpr unsigned char loop = 0x10;
  ASSERT_EQ(::ioperm(frames_port, 8, 1), 0) << std::strerror(errno);
  ::outb(static_cast<unsigned char>(::inb(frames_port + modem_control) | loop),
         frames_port + modem_control);
  ::raise(SIGKILL);
}

TEST_F(Faulty, FloodsTheFrames) {
  const int port = ::open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(port, 0);
  const std::string block(1 << 20, '.');
  for (int i = 0; i < 100; ++i) {
    std::string_view rest = block;
    while (!rest.empty()) {
      const auto size = ::write(port, rest.data(), rest.size());
      ASSERT_GT(size, 0);
      rest.remove_prefix(static_cast<std::size_t>(size));
    }
  }
}

}  // namespace
