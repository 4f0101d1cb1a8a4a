// SPDX-License-Identifier: Apache-2.0
//
// What a test left behind in the kernel although all its processes are gone: namespaces, mounts,
// interfaces of the first network namespace, descriptors of init.
//
//   const Leaks leaks;                              // before the first test
//   std::string left = leaks.left_behind(patience);    // after each; empty: nothing
//
// Namespaces of every kind are found by their inode numbers: the kernel gives each namespace, and
// each entry of /proc, the lowest free number (proc_alloc_inum in fs/proc/generic.c). A fresh UTS
// namespace, which comes and goes at once, so gets the same number as before exactly if nothing
// took that one for good; a row of them sees further. Seen on 5.10, 6.1, 6.12 and 7.2: a network
// namespace takes 12 to 52 numbers and gives all back.
//
// Network and user namespaces are torn down asynchronously (cleanup_net), which took 15 to 60 ms
// there: left_behind waits for it, bounded.
//
// REQUIRES: no process but the caller. Every failure to look gives up. Not thread-safe.
#pragma once

#include <chrono>
#include <string>

namespace nsgate::guest {

class Leaks {
 public:
  Leaks();
  Leaks(const Leaks&) = delete;
  Leaks& operator=(const Leaks&) = delete;
  ~Leaks();

  /// One line for a person that names what is left; empty when nothing is.
  std::string left_behind(std::chrono::milliseconds patience) const;

  /// The same for all tests together, looking much further for namespaces: one that was made while
  /// many others lived can lie beyond the row that is looked at after each test.
  std::string left_behind_at_the_end(std::chrono::milliseconds patience) const;

 private:
  std::string namespaces_left(unsigned row) const;
  std::string await(unsigned row, std::chrono::milliseconds patience) const;

  int own_uts_ = -1;
  ino_t lowest_ = 0;
  std::string mounts_;
  std::string interfaces_;
  std::string descriptors_;
};

}  // namespace nsgate::guest
