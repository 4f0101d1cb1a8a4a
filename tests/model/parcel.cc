// SPDX-License-Identifier: Apache-2.0
#include "model/parcel.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace nsgate::model {
namespace {

/// A message with room for a descriptor.
struct Parcel {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  Parcel() {
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }
};

}  // namespace

int send_descriptor(int socket, int fd) {
  Parcel parcel;
  cmsghdr* const attached = CMSG_FIRSTHDR(&parcel.header);
  attached->cmsg_level = SOL_SOCKET;
  attached->cmsg_type = SCM_RIGHTS;
  attached->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(attached), &fd, sizeof fd);
  return ::sendmsg(socket, &parcel.header, MSG_DONTWAIT) < 0 ? errno : 0;
}

int receive_descriptor(int socket) {
  Parcel parcel;
  if (::recvmsg(socket, &parcel.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) return -1;
  const cmsghdr* const attached = CMSG_FIRSTHDR(&parcel.header);
  if (attached == nullptr) {
    errno = ENOMSG;
    return -1;
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(attached), sizeof fd);
  return fd;
}

}  // namespace nsgate::model
