// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/kvm_probe.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <type_traits>

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

enum class Step : std::uint8_t {
  open,
  create_vm,
  set_tss_address,
  memory,
  set_memory,
  create_vcpu,
  map_vcpu,
  registers,
  run,
  exit_reason,
  done
};

constexpr std::array<const char*, 11> step_names{"open",
                                                 "KVM_CREATE_VM",
                                                 "KVM_SET_TSS_ADDR",
                                                 "mmap",
                                                 "KVM_SET_USER_MEMORY_REGION",
                                                 "KVM_CREATE_VCPU",
                                                 "mmap of the vCPU",
                                                 "KVM_SET_SREGS and KVM_SET_REGS",
                                                 "KVM_RUN",
                                                 "the end of KVM_RUN",
                                                 "done"};

/// Crosses the pipe: how far the guest came, and why no further.
struct GuestReport {
  Step step;
  int error;                  ///< errno of the step
  std::uint32_t exit_reason;  ///< KVM_EXIT_*, of Step::exit_reason
};
static_assert(std::is_trivially_copyable_v<GuestReport>);

constexpr std::uint64_t page = 4096;
constexpr std::uint16_t port = 0x3f8;
constexpr std::uint8_t byte = 'n';
/// The loop takes tens of milliseconds where the processor runs it. A KVM that emulates real mode
/// instruction by instruction was seen to do 2 million turns a second: there a guest of a few
/// instructions ends, and no BIOS ever does.
constexpr std::array<std::uint8_t, 16> code{
    0x66, 0xb9, 0x80, 0x96, 0x98, 0x00,  // mov ecx, 10'000'000
    0x67, 0xe2, 0xfd,                    // loop to itself
    0xb0, byte,                          // mov al, 'n'
    0xba, 0xf8, 0x03,                    // mov dx, 0x3f8
    0xee,                                // out dx, al
    0xf4,                                // hlt
};

/// Only system calls: it runs in a forked child. Nothing is closed, the child ends soon.
class RealModeGuest {
 public:
  GuestReport boot(const char* device) {
    const int kvm = ::open(device, O_RDWR | O_CLOEXEC);
    if (kvm < 0) return failed(Step::open);
    vm_ = ::ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm_ < 0) return failed(Step::create_vm);
    // Intel's processors need three pages for real mode (api.rst, 4.36).
    if (::ioctl(vm_, KVM_SET_TSS_ADDR, 0xfffbd000UL) != 0) return failed(Step::set_tss_address);
    void* const memory =
        ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return failed(Step::memory);
    std::memcpy(memory, code.data(), code.size());
    kvm_userspace_memory_region region{};
    region.guest_phys_addr = page;
    region.memory_size = page;
    region.userspace_addr = reinterpret_cast<std::uintptr_t>(memory);
    if (::ioctl(vm_, KVM_SET_USER_MEMORY_REGION, &region) != 0) return failed(Step::set_memory);
    vcpu_ = ::ioctl(vm_, KVM_CREATE_VCPU, 0);
    if (vcpu_ < 0) return failed(Step::create_vcpu);
    const int size = ::ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    void* const shared = size <= 0 ? MAP_FAILED
                                   : ::mmap(nullptr, static_cast<std::size_t>(size),
                                            PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_, 0);
    if (shared == MAP_FAILED) return failed(Step::map_vcpu);
    run_ = static_cast<kvm_run*>(shared);
    return set_registers() ? follow() : failed(Step::registers);
  }

 private:
  static GuestReport failed(Step step) { return {step, errno, 0}; }

  bool set_registers() const {
    kvm_sregs special{};
    if (::ioctl(vcpu_, KVM_GET_SREGS, &special) != 0) return false;
    special.cs.base = 0;
    special.cs.selector = 0;
    kvm_regs registers{};
    registers.rip = page;
    registers.rflags = 2;  // always set
    return ::ioctl(vcpu_, KVM_SET_SREGS, &special) == 0 &&
           ::ioctl(vcpu_, KVM_SET_REGS, &registers) == 0;
  }

  bool step() const {
    int done;
    do {
      done = ::ioctl(vcpu_, KVM_RUN, 0);
    } while (done != 0 && (errno == EINTR || errno == EAGAIN));
    return done == 0;
  }

  bool wrote_the_byte() const {
    const auto& io = run_->io;
    return run_->exit_reason == KVM_EXIT_IO && io.direction == KVM_EXIT_IO_OUT && io.port == port &&
           io.size == 1 && reinterpret_cast<const std::uint8_t*>(run_)[io.data_offset] == byte;
  }

  GuestReport follow() const {
    if (!step()) return failed(Step::run);
    if (!wrote_the_byte()) return {Step::exit_reason, 0, run_->exit_reason};
    if (!step()) return failed(Step::run);
    if (run_->exit_reason != KVM_EXIT_HLT) return {Step::exit_reason, 0, run_->exit_reason};
    return {Step::done, 0, 0};
  }

  int vm_ = -1;
  int vcpu_ = -1;
  kvm_run* run_ = nullptr;
};

std::string exit_name(std::uint32_t reason) {
  switch (reason) {
    case KVM_EXIT_IO:
      return "KVM_EXIT_IO of something else";
    case KVM_EXIT_SHUTDOWN:
      return "KVM_EXIT_SHUTDOWN";
    case KVM_EXIT_FAIL_ENTRY:
      return "KVM_EXIT_FAIL_ENTRY";
    case KVM_EXIT_INTERNAL_ERROR:
      return "KVM_EXIT_INTERNAL_ERROR";
    default:
      return "exit reason " + std::to_string(reason);
  }
}

StageFault fault_of(const GuestReport& report) {
  if (report.step == Step::done) return std::nullopt;
  const auto number = static_cast<std::size_t>(report.step);
  if (number >= step_names.size()) return "kvm opens, but its probe sent nonsense";
  if (report.step == Step::exit_reason) {
    return "kvm opens, but a guest ended with " + exit_name(report.exit_reason);
  }
  return std::string("kvm opens, but ") + step_names[number] +
         " failed: " + std::strerror(report.error);
}

std::string group_name(gid_t gid) {
  std::array<char, 4096> buffer{};
  group entry{};
  group* found = nullptr;
  ::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->gr_name : std::to_string(gid);
}

StageFault examine_open_device(int kvm, const std::string& device) {
  const int version = ::ioctl(kvm, KVM_GET_API_VERSION, 0);
  if (version < 0) return device + " is no KVM: KVM_GET_API_VERSION: " + std::strerror(errno);
  if (version != KVM_API_VERSION) {
    return device + " speaks version " + std::to_string(version) + " of KVM's API instead of 12";
  }
  for (const int needed : {KVM_CAP_USER_MEMORY, KVM_CAP_IRQCHIP, KVM_CAP_SET_TSS_ADDR}) {
    if (::ioctl(kvm, KVM_CHECK_EXTENSION, needed) <= 0) {
      return device + " lacks the capability " + std::to_string(needed) + " of linux/kvm.h";
    }
  }
  return std::nullopt;
}

}  // namespace

std::string in_seconds(std::chrono::milliseconds time) {
  std::ostringstream text;
  text << static_cast<double>(time.count()) / 1000 << " s";
  return std::move(text).str();
}

std::string no_progress(std::chrono::milliseconds limit) {
  return "kvm opens, but a guest made no progress in " + in_seconds(limit);
}

std::string explain_refusal(const fs::path& device, mode_t mode, const std::string& group) {
  const auto refused = "no permission to open " + device.string();
  if ((mode & S_IRGRP) == 0 || (mode & S_IWGRP) == 0 || group == "root") {
    return refused + ", which is for root alone; root can give it to a group: chgrp kvm " +
           device.string() + " && chmod 0660 " + device.string();
  }
  return refused + "; join the group " + group + ": sudo usermod -aG " + group +
         " \"$USER\", then log in again";
}

StageFault examine_kvm_device(const fs::path& device) {
  struct stat status {};
  if (::stat(device.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return "there is no " + device.string();
    return device.string() + ": " + std::strerror(errno);
  }
  const int kvm = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
  if (kvm < 0) {
    if (errno == EACCES || errno == EPERM) {
      return explain_refusal(device, status.st_mode, group_name(status.st_gid));
    }
    return device.string() + " does not open: " + std::strerror(errno);
  }
  auto fault = examine_open_device(kvm, device.string());
  ::close(kvm);
  return fault;
}

void run_real_mode_guest(const char* device, int report) {
  const auto reached = RealModeGuest().boot(device);
  [[maybe_unused]] const auto written = ::write(report, &reached, sizeof reached);
}

Expected<StageFault> try_real_mode_guest(const GuardedLimits& limits,
                                         const std::function<void(int report)>& guest) {
  const auto end = run_guarded(guest, limits);
  if (!end) return std::unexpected(end.error());
  switch (end->how) {
    case GuardedEnd::How::killed:
      return no_progress(limits.work);
    case GuardedEnd::How::abandoned:
      return no_progress(limits.work) + ", and its process " + std::to_string(end->pid) +
             " cannot be killed";
    case GuardedEnd::How::ended:
      break;
  }
  if (WIFSIGNALED(end->wait_status)) {
    return "kvm opens, but a guest killed its process with signal " +
           std::to_string(WTERMSIG(end->wait_status));
  }
  GuestReport report{};
  if (end->said.size() != sizeof report) return "kvm opens, but its probe ended without a word";
  std::memcpy(&report, end->said.data(), sizeof report);
  return fault_of(report);
}

bool host_is_virtual(const fs::path& cpuinfo) {
  std::ifstream file(cpuinfo);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (word == "hypervisor") return true;
    }
    return false;
  }
  return false;
}

}  // namespace nsgate::lab
