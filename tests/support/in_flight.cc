// SPDX-License-Identifier: Apache-2.0
#include "support/in_flight.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace nsgate::test {
namespace {

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// One byte and room for one descriptor.
struct Message {
  Message() {
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }
  Message(const Message&) = delete;

  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
};

}  // namespace

InFlight::InFlight(const Fd& fd) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_errno("socketpair");
  }
  sender_ = Fd(ends[0]);
  receiver_ = Fd(ends[1]);

  Message message;
  const int number = fd.get();
  cmsghdr* rights = CMSG_FIRSTHDR(&message.header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof number);
  std::memcpy(CMSG_DATA(rights), &number, sizeof number);
  if (::sendmsg(sender_.get(), &message.header, 0) < 0) throw_errno("sendmsg");
}

Fd InFlight::receive() const {
  Message message;
  if (::recvmsg(receiver_.get(), &message.header, MSG_CMSG_CLOEXEC) < 0) throw_errno("recvmsg");
  const cmsghdr* rights = CMSG_FIRSTHDR(&message.header);
  if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS) {
    errno = ENOMSG;
    throw_errno("recvmsg");
  }
  int number = -1;
  std::memcpy(&number, CMSG_DATA(rights), sizeof number);
  return Fd(number);
}

}  // namespace nsgate::test
