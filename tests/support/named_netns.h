// SPDX-License-Identifier: Apache-2.0
//
// Names under /run/netns as ip-netns(8) makes them, in a mount namespace of the test's own.
//
//   must_own_run();
//   const NamedNetns blue("blue", netns);
//   in_netns(Target::path(blue.path()), …);
#pragma once

#include <string>

#include "nsgate/fd.h"

namespace nsgate::test {

/// For a child: leaves for a mount namespace of its own, from which nothing propagates, with an
/// empty /run/netns. Throws std::system_error. REQUIRES: CAP_SYS_ADMIN.
void must_own_run();

/// A namespace mounted on its name. Throws std::system_error.
class NamedNetns {
 public:
  NamedNetns(const std::string& name, const Fd& netns);
  NamedNetns(const NamedNetns&) = delete;
  ~NamedNetns();

  const std::string& path() const { return path_; }
  /// Takes the mount away; the file stays, as a placeholder.
  void unmount();

 private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace nsgate::test
