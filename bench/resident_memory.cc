// SPDX-License-Identifier: Apache-2.0
#include "resident_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace nsgate::bench {
namespace {

/// proc_pid_statm(5).
std::size_t resident_bytes() {
  std::size_t all = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

ResidentMemory::ResidentMemory(std::size_t mebibytes) {
  const std::size_t wanted = mebibytes << 20;
  const std::size_t used = resident_bytes();
  size_ = wanted > used ? wanted - used : 0;
  if (size_ == 0) return;
  pages_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages_ == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "mmap of the caller's memory");
  }
  // With huge pages the cost would depend on the machine's setting of them. EINVAL: it has none.
  ::madvise(pages_, size_, MADV_NOHUGEPAGE);
  std::memset(pages_, 1, size_);
}

ResidentMemory::~ResidentMemory() {
  if (pages_ != nullptr) ::munmap(pages_, size_);
}

}  // namespace nsgate::bench
