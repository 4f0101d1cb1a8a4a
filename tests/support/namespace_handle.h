// SPDX-License-Identifier: Apache-2.0
//
// File handles of namespaces, since Linux 6.18 (name_to_handle_at(2), linux/nsfs.h).
//
//   const auto named = handle_of(file);
//   const Fd again = open_handle(named.handle);
#pragma once

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "nsgate/fd.h"
#include "support/newer_interfaces.h"

namespace nsgate::test {

struct NamedHandle {
  int error;  ///< 0 or an errno
  int type;
  unsigned size;
  NsfsFileHandle handle;
};

namespace detail {
/// struct file_handle with room for the largest (MAX_HANDLE_SZ).
struct HandleRoom {
  unsigned size;
  int type;
  std::array<char, 128> bytes;
};
}  // namespace detail

inline NamedHandle handle_of(const Fd& file) {
  detail::HandleRoom room{};
  room.size = sizeof room.bytes;
  int mount = 0;
  auto* handle = reinterpret_cast<::file_handle*>(&room);
  if (::name_to_handle_at(file.get(), "", handle, &mount, AT_EMPTY_PATH) != 0) {
    return {errno, 0, 0, {}};
  }
  NamedHandle named{0, room.type, room.size, {}};
  std::memcpy(&named.handle, room.bytes.data(), sizeof named.handle);
  return named;
}

/// Empty on failure, with errno set.
inline Fd open_handle(const NsfsFileHandle& handle) {
  detail::HandleRoom room{};
  room.size = sizeof handle;
  room.type = fileid_nsfs;
  std::memcpy(room.bytes.data(), &handle, sizeof handle);
  return Fd(::open_by_handle_at(fd_nsfs_root, reinterpret_cast<::file_handle*>(&room),
                                O_RDONLY | O_CLOEXEC));
}

}  // namespace nsgate::test
