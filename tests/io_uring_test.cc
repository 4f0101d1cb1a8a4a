// SPDX-License-Identifier: Apache-2.0
//
// Sockets that io_uring makes (IORING_OP_SOCKET, Linux 5.19) belong to the namespace of the thread
// that runs the request: the one that submits it, or a worker that the kernel made for it. By
// system calls, since a guest has no liburing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>

#include "nsgate/in_netns.h"
#include "support/either_user.h"
#include "support/kernel.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "support/socket_netns.h"
#include "support/thread_state.h"

namespace nsgate::test {
namespace {

/// Memory that the kernel shares; unmapped at the end.
class Shared {
 public:
  Shared(const Fd& ring, off_t which, std::size_t size)
      : size_(size),
        begin_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.get(),
                      which)) {
    if (begin_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  }
  Shared(const Shared&) = delete;
  ~Shared() { ::munmap(begin_, size_); }

  template <typename T>
  T* at(std::uint32_t offset) const {
    return reinterpret_cast<T*>(static_cast<char*>(begin_) + offset);
  }

 private:
  std::size_t size_;
  void* begin_;
};

/// A ring for one request at a time.
class Ring {
 public:
  Ring()
      : fd_(static_cast<int>(::syscall(SYS_io_uring_setup, 2, &params_))),
        submissions_(fd_, IORING_OFF_SQ_RING,
                     params_.sq_off.array + params_.sq_entries * sizeof(std::uint32_t)),
        completions_(fd_, IORING_OFF_CQ_RING,
                     params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe)),
        entries_(fd_, IORING_OFF_SQES, params_.sq_entries * sizeof(io_uring_sqe)) {}

  /// A UDP socket, or the errno of the request. `flags` are of IOSQE_….
  std::expected<Fd, int> socket(std::uint8_t flags) {
    io_uring_sqe& entry = *entries_.at<io_uring_sqe>(0);
    entry = {};
    entry.opcode = 45;  // IORING_OP_SOCKET
    entry.flags = flags;
    entry.fd = AF_INET;
    entry.off = SOCK_DGRAM;
    *submissions_.at<std::uint32_t>(params_.sq_off.array) = 0;
    *submissions_.at<std::uint32_t>(params_.sq_off.array + 4) = 0;
    std::atomic_ref(*submissions_.at<std::uint32_t>(params_.sq_off.tail)).fetch_add(1);
    long entered = 0;
    while ((entered = ::syscall(SYS_io_uring_enter, fd_.get(), 1, 1, IORING_ENTER_GETEVENTS,
                                nullptr, 0)) < 0 &&
           errno == EINTR) {
    }
    if (entered < 0) return std::unexpected(errno);
    const std::atomic_ref head(*completions_.at<std::uint32_t>(params_.cq_off.head));
    const auto mask = *completions_.at<std::uint32_t>(params_.cq_off.ring_mask);
    const auto result = completions_.at<io_uring_cqe>(params_.cq_off.cqes)[head.load() & mask].res;
    head.fetch_add(1);
    if (result < 0) return std::unexpected(-result);
    return Fd(result);
  }

 private:
  io_uring_params params_{};
  Fd fd_;
  Shared submissions_;
  Shared completions_;
  Shared entries_;
};

/// Where the socket is, or the errno as the inode of no device.
NamespaceId netns_of_result(const std::expected<Fd, int>& socket) {
  if (!socket) return {0, static_cast<ino_t>(socket.error())};
  return netns_of_socket(*socket);
}

bool has_sockets() { return running_kernel() >= KernelVersion{5, 19}; }
/// io_uring_prep_socket(3): since Linux 5.19; what nobody knows is EINVAL.
NamespaceId expected_in(const NamespaceId& netns) {
  return has_sockets() ? netns : NamespaceId{0, EINVAL};
}

bool probe_io_uring() {
  io_uring_params params{};
  return static_cast<bool>(Fd(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &params))));
}
const Requirement io_uring{"io_uring", "io_uring, and free to use it (kernel.io_uring_disabled)",
                           &probe_io_uring};

TEST(InNetns, RingMakesItsSocketsInTheTarget) {
  BEHAVIOUR("TH22");
  REQUIRES(own_netns);
  REQUIRES(io_uring);
  struct Seen {
    NamespaceId own, target;
    NamespaceId at_once, by_worker, of_callers_ring, by_worker_of_callers_ring, outside;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const auto target = Target::process(other.pid());
    Seen answer{};
    answer.own = current_netns();
    answer.target = other.id();
    Ring callers;
    // Its workers are there before the closure.
    answer.outside = netns_of_result(callers.socket(IOSQE_ASYNC));
    (void)in_netns(target, [&] {
      Ring own;
      answer.at_once = netns_of_result(own.socket(0));
      answer.by_worker = netns_of_result(own.socket(IOSQE_ASYNC));
      answer.of_callers_ring = netns_of_result(callers.socket(0));
      answer.by_worker_of_callers_ring = netns_of_result(callers.socket(IOSQE_ASYNC));
    });
    return answer;
  });

  EXPECT_NE(seen.own, seen.target);
  EXPECT_EQ(seen.at_once, expected_in(seen.target));
  EXPECT_EQ(seen.by_worker, expected_in(seen.target));
  // A ring's workers belong to the thread that submits, not to the one that made the ring.
  EXPECT_EQ(seen.of_callers_ring, expected_in(seen.target));
  EXPECT_EQ(seen.by_worker_of_callers_ring, expected_in(seen.target));
  EXPECT_EQ(seen.outside, expected_in(seen.own));
}

/// The kernel's worker of this process's rings, 0 when there is none.
pid_t ring_worker() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name.starts_with("iou-wrk")) return std::stoi(task.path().filename());
  }
  return 0;
}

// Why a fresh thread, and not one that moves: io-wq keeps a worker for five seconds, in the
// namespace of the moment when it was made (copy_process; setns moves the calling thread only).
TEST(Setns, LeavesTheWorkersOfARingBehind) {
  BEHAVIOUR("TH22");
  REQUIRES(own_netns);
  REQUIRES(io_uring);
  struct Seen {
    NamespaceId own, target;
    NamespaceId before, at_once, by_worker;
    bool has_worker;
    int moved;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    const Fd netns = other.open("ns/net");
    Seen answer{};
    answer.own = current_netns();
    answer.target = other.id();
    std::thread([&] {
      Ring ring;
      answer.before = netns_of_result(ring.socket(IOSQE_ASYNC));
      const pid_t worker = ring_worker();
      answer.has_worker = worker != 0;
      // The request has been answered before its worker waits for another.
      if (answer.has_worker) wait_until_asleep(worker);
      answer.moved = ::setns(netns.get(), CLONE_NEWNET) == 0 ? 0 : errno;
      answer.by_worker = netns_of_result(ring.socket(IOSQE_ASYNC));
      answer.at_once = netns_of_result(ring.socket(0));
    }).join();
    return answer;
  });

  ASSERT_EQ(seen.moved, 0);
  EXPECT_EQ(seen.before, expected_in(seen.own));
  EXPECT_EQ(seen.has_worker, has_sockets());
  EXPECT_EQ(seen.at_once, expected_in(seen.target));
  EXPECT_EQ(seen.by_worker, expected_in(seen.own));
}

}  // namespace
}  // namespace nsgate::test
