// SPDX-License-Identifier: Apache-2.0
//
// Namespaces to enter, and which one somebody is in.
#pragma once

#include <sys/types.h>

#include <ostream>

#include "nsgate/fd.h"
#include "support/child_process.h"

namespace nsgate::test {

/// A namespace's device and inode: an identity only while the namespace is alive (TR26), which the
/// test sees to.
struct NamespaceId {
  dev_t device;
  ino_t inode;
  friend bool operator==(const NamespaceId&, const NamespaceId&) = default;
};
std::ostream& operator<<(std::ostream& out, const NamespaceId& id);

/// Of a namespace file; throws std::system_error.
NamespaceId id_of(int fd);
NamespaceId id_of(const Fd& fd);
/// Of the calling thread, not of its process (TH02).
NamespaceId current_netns();
/// Of the calling thread's user namespace.
NamespaceId current_userns();
/// The network namespace of a process.
NamespaceId netns_of(pid_t pid);

/// A process in a network namespace of its own, made by root.
class ScratchNetns : public ParkedProcess {
 public:
  ScratchNetns();
  NamespaceId id() const { return netns_of(pid()); }
};

/// A process in a user namespace and a network namespace of its own, both made by the test's user
/// (or by uid `as`, when root asks), with that user mapped to 0.
class UserScratch : public ParkedProcess {
 public:
  enum class Map { owner_to_zero, none };
  explicit UserScratch(Map map = Map::owner_to_zero, uid_t as = static_cast<uid_t>(-1));
  NamespaceId id() const { return netns_of(pid()); }
};

/// For a child: becomes `id` (uid and gid) for good, without capabilities, and dumpable as a fresh
/// program of that user would be. Returns 0 or an errno.
int become_user(uid_t id);
/// For a child: unshares these namespaces, and for a user namespace maps the caller to 0 unless
/// told otherwise. Returns 0 or an errno.
int unshare_mapped(int flags, bool map = true);

}  // namespace nsgate::test
