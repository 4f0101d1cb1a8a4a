// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that outlive execve(2), or do not, and pipes that lose bytes.
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>

#include "lies/lies.h"

namespace nsgate::lies {
namespace {

Lie forgets(std::string name, std::string what, long number, int place, long flag) {
  return {std::move(name), std::move(what), {number}, [=](Call& call) {
            call.set_argument(place, call.argument(place) & ~flag);
          }};
}

void keep_open(Call& call, long fd) { call.follow(SYS_fcntl, {fd, F_SETFD, 0}); }

/// More than what a test's own children answer.
constexpr long much = 4096;

bool is_pipe(const Call& call) { return call.link_of(call.argument(0)).starts_with("pipe:["); }

/// Of the ioctls that give a namespace.
bool gives_a_descriptor(long request) {
  constexpr long pidfd_type = 0xFF;  // PIDFS_IOCTL_MAGIC of linux/pidfd.h
  return request == NS_GET_USERNS || request == NS_GET_PARENT || request == SIOCGSKNS ||
         _IOC_TYPE(request) == pidfd_type;
}

}  // namespace

std::vector<Lie> lies_of_descriptors() {
  return {
      forgets("open-forgets-close-on-exec", "openat(2) does not know O_CLOEXEC", SYS_openat, 2,
              O_CLOEXEC),
      forgets("pipe-forgets-close-on-exec", "pipe2(2) does not know O_CLOEXEC", SYS_pipe2, 1,
              O_CLOEXEC),
      forgets("memfd-forgets-close-on-exec", "memfd_create(2) does not know MFD_CLOEXEC",
              SYS_memfd_create, 1, MFD_CLOEXEC),
      {"fcntl-forgets-close-on-exec",
       "fcntl(2) takes F_DUPFD_CLOEXEC for F_DUPFD",
       {SYS_fcntl},
       [](Call& call) {
         if (call.argument(1) == F_DUPFD_CLOEXEC) call.set_argument(1, F_DUPFD);
       }},
      {"pidfd-open-forgets-close-on-exec",
       "a descriptor of pidfd_open(2) is not close-on-exec",
       {SYS_pidfd_open},
       nullptr,
       [](Call& call) {
         if (call.result() >= 0) keep_open(call, call.result());
       }},
      {"clone-forgets-close-on-exec",
       "the pidfd that clone(2) gives is not close-on-exec",
       {SYS_clone},
       nullptr,
       [](Call& call) {
         const bool gives_one = (call.argument(0) & CLONE_PIDFD) != 0;
         if (gives_one && call.result() > 0) keep_open(call, call.read<int>(call.argument(2)));
       }},
      {"ioctl-forgets-close-on-exec",
       "the namespaces that ioctls give are not close-on-exec",
       {SYS_ioctl},
       nullptr,
       [](Call& call) {
         if (call.result() >= 0 && gives_a_descriptor(call.argument(1))) {
           keep_open(call, call.result());
         }
       }},
      {"dup3-keeps-close-on-exec",
       "what dup3(2) makes is close-on-exec",
       {SYS_dup3},
       [](Call& call) { call.set_argument(2, O_CLOEXEC); }},
      {"close-range-does-nothing",
       "close_range(2) returns 0 and closes nothing",
       {SYS_close_range},
       [](Call& call) { call.answer(0); }},
      {"close-range-spares-the-first",
       "close_range(2) leaves the first descriptor of its range open",
       {SYS_close_range},
       [](Call& call) { call.set_argument(0, call.argument(0) + 1); }},
      {"read-loses-a-byte",
       "read(2) of much from a pipe loses the last byte",
       {SYS_read},
       nullptr,
       [](Call& call) {
         if (call.result() >= much && is_pipe(call)) call.set_result(call.result() - 1);
       }},
      {"read-ends-early",
       "read(2) of much from a pipe says that nobody writes any more",
       {SYS_read},
       nullptr,
       [](Call& call) {
         if (call.result() >= much && is_pipe(call)) call.set_result(0);
       }},
      {"fionread-sees-nothing",
       "FIONREAD of a pipe is 0, whatever is in it",
       {SYS_ioctl},
       nullptr,
       [](Call& call) {
         if (call.argument(1) == FIONREAD && call.result() == 0) call.write(call.argument(2), 0);
       }},
      {"seals-do-not-hold",
       "F_ADD_SEALS returns 0 and seals nothing",
       {SYS_fcntl},
       [](Call& call) {
         if (call.argument(1) == F_ADD_SEALS) call.answer(0);
       }},
  };
}

}  // namespace nsgate::lies
