// SPDX-License-Identifier: Apache-2.0
//
// What the headers of Debian bookworm (Linux 6.1) do not have yet: constants and structures of
// torvalds/linux, include/uapi/…, each with its file and the release that it came with.
#pragma once

#include <fcntl.h>
#include <linux/types.h>
#include <sys/ioctl.h>

#include <array>
#include <cstdint>

namespace nsgate::test {

// ---- linux/pidfd.h ----

constexpr unsigned pidfd_nonblock = O_NONBLOCK;           // PIDFD_NONBLOCK, 5.10; linux/pidfd.h and
                                                          // fcntl.h exclude each other
constexpr unsigned pidfd_thread_flag = O_EXCL;            // PIDFD_THREAD, 6.9
constexpr int pidfd_self_thread = -10000;                 // PIDFD_SELF_THREAD, 6.14
constexpr int pidfd_self_thread_group = -10001;           // PIDFD_SELF_THREAD_GROUP, 6.14
constexpr std::uint64_t pidfd_info_exit = 1 << 3;         // PIDFD_INFO_EXIT, 6.15
constexpr std::uint64_t pidfd_info_pid_and_creds = 0b11;  // always filled
constexpr unsigned long namespace_ioctl_of_pidfd(int number)  // PIDFD_GET_…_NAMESPACE, 6.11
{
  return _IO(0xFF, static_cast<unsigned>(number));
}

/// PIDFD_INFO_SIZE_VER0, 6.13.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t pid, tgid, ppid;
  std::uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr unsigned long pidfd_get_info = _IOWR(0xFF, 11, PidfdInfo);

// ---- linux/magic.h ----

constexpr long pidfs_magic = 0x50494446;  // PID_FS_MAGIC, 6.9

// ---- linux/nsfs.h ----

constexpr unsigned long ns_get_mntns_id = _IOR(0xb7, 5, std::uint64_t);  // 6.12; 6.11 had an _IO
constexpr unsigned long ns_get_pid_from_pidns = _IOR(0xb7, 6, int);      // 6.11
constexpr unsigned long ns_get_tgid_from_pidns = _IOR(0xb7, 7, int);     // 6.11
constexpr unsigned long ns_get_pid_in_pidns = _IOR(0xb7, 8, int);        // 6.11
constexpr unsigned long ns_get_tgid_in_pidns = _IOR(0xb7, 9, int);       // 6.11

/// struct mnt_ns_info, 6.12.
struct MountNamespaceInfo {
  std::uint32_t size;
  std::uint32_t mounts;
  std::uint64_t id;
};
static_assert(sizeof(MountNamespaceInfo) == 16);
constexpr unsigned long ns_mnt_get_info = _IOR(0xb7, 10, MountNamespaceInfo);
constexpr unsigned long ns_mnt_get_next = _IOR(0xb7, 11, MountNamespaceInfo);
constexpr unsigned long ns_mnt_get_prev = _IOR(0xb7, 12, MountNamespaceInfo);

constexpr unsigned long ns_get_id = _IOR(0xb7, 13, std::uint64_t);  // NS_GET_ID, 6.18

/// struct nsfs_file_handle, 6.18.
struct NsfsFileHandle {
  std::uint64_t id;
  std::uint32_t type;
  std::uint32_t inode;
};
static_assert(sizeof(NsfsFileHandle) == 16);
constexpr int fileid_nsfs = 0xf1;     // FILEID_NSFS of linux/exportfs.h, 6.18
constexpr int fd_nsfs_root = -10003;  // FD_NSFS_ROOT of linux/fcntl.h, 6.18

/// struct ns_id_req of listns(2), 6.19.
struct NamespaceIdRequest {
  std::uint32_t size = 32;
  std::uint32_t spare = 0;
  std::uint64_t after = 0;  ///< the last id of the batch before
  std::uint32_t types = 0;  ///< CLONE_NEW…; 0: all
  std::uint32_t spare2 = 0;
  std::uint64_t owner = 0;  ///< the id of a user namespace; 0: any
};
static_assert(sizeof(NamespaceIdRequest) == 32);
#ifdef __alpha__
constexpr long sys_listns = 580;
#else
constexpr long sys_listns = 470;
#endif
constexpr std::uint64_t listns_current_user = ~std::uint64_t{0};

// ---- asm-generic/socket.h ----

constexpr int so_peerpidfd = 77;  // SO_PEERPIDFD, 6.5

// ---- linux/sched.h ----

constexpr std::uint64_t clone_autoreap = std::uint64_t{1} << 34;        // 7.1
constexpr std::uint64_t clone_nnp = std::uint64_t{1} << 35;             // 7.1
constexpr std::uint64_t clone_pidfd_autokill = std::uint64_t{1} << 36;  // 7.1
constexpr std::uint64_t clone_empty_mntns = std::uint64_t{1} << 37;     // 7.1
constexpr int unshare_empty_mntns = 0x00100000;                         // 7.1

// ---- linux/if_link.h ----

constexpr std::uint16_t ifla_netns_immutable = 67;  // IFLA_NETNS_IMMUTABLE, 6.15

}  // namespace nsgate::test
