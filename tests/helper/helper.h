// SPDX-License-Identifier: Apache-2.0
//
// What the helper program says and does, for the tests that execute it.
//
//   nsgate_helper netns              prints "<device>:<inode>" of its network namespace
//   nsgate_helper userns             the same of its user namespace
//   nsgate_helper fds                prints its open descriptors, one number a line
//   nsgate_helper lengths            prints "<number> <length of its file>" of each, a line each
//   nsgate_helper args WORD…         prints the words after `args`, each followed by a NUL byte
//   nsgate_helper env                prints its environment, each entry followed by a NUL byte
//   nsgate_helper status FIELD…      prints these fields of /proc/self/status, one value a line
//   nsgate_helper ids                prints "<uid> <euid> <gid> <egid>"
//   nsgate_helper stdin              prints what it reads until end of file
//   nsgate_helper write OUT ERR      writes OUT bytes of 'o' to stdout and ERR bytes of 'e' to
//                                    stderr, in turns of 4096
//   nsgate_helper exit CODE          exits with it
//   nsgate_helper signal NUMBER      kills itself by that signal
//   nsgate_helper hang               waits forever
//   nsgate_helper orphan             prints "parent", exits, and leaves a child that holds stdout
//                                    and waits forever; the child's pid is printed before
//   nsgate_helper chunks WORD…       writes for each word, such as o3 or e4096, so many bytes to
//                                    stdout or stderr: of 'a' for the first, 'b' for the second …
//   nsgate_helper file PATH          prints that file
//   nsgate_helper ties               prints "<session> <process group> <parent-death signal>"
//   nsgate_helper abandon-stdout     closes stdout and prints "still here" to stderr
//   nsgate_helper abort              dies of abort(3), under whatever core limit it was given
//   nsgate_helper flood              writes to stdout without end
//   nsgate_helper linger             prints "early", tells its pid and exits; leaves a child that
//                                    holds 0, 1 and 2 until stdin ends and then prints "late"
//   nsgate_helper stop CODE          tells its pid, stops by SIGSTOP, and exits with CODE when it
//                                    is continued
//   nsgate_helper up                 brings lo up and exits with the errno, or 0
//   nsgate_helper join               joins the network namespace whose file is its stdin; prints
//                                    "<errno or 0 of it> <dumpable> <uid that its own
//                                    /proc/self/ns/net belongs to> <errno or 0 of opening that>"
//   nsgate_helper links              prints the names of its network interfaces, one a line
//
// A pid is told as a line written to stdin, which is a socket then.
//
// Exit code 64: the words make no sense (EX_USAGE of sysexits(3head)); 71: a system call failed.
#pragma once

#include <string>

namespace nsgate::test {

inline constexpr int helper_usage = 64;
inline constexpr int helper_system = 71;

/// The helper's path: it lies beside the running test program.
std::string helper();

}  // namespace nsgate::test
