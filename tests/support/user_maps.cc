// SPDX-License-Identifier: Apache-2.0
#include "support/user_maps.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace nsgate::test {

namespace {

/// In one write: the kernel takes no other (user_namespaces(7)).
void write_whole(const ParkedProcess& process, const char* file, const std::string& text) {
  const auto path = "/proc/" + std::to_string(process.pid()) + "/" + file;
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::system_error(errno, std::generic_category(), path);
  }
}

}  // namespace

MappedScratch::MappedScratch(uid_t owner, const std::string& map) : UserScratch(Map::none, owner) {
  write_whole(*this, "uid_map", map);
  write_whole(*this, "gid_map", map);
}

void map_owner_to_zero(const ParkedProcess& process) {
  write_whole(process, "setgroups", "deny");
  write_whole(process, "uid_map", "0 " + std::to_string(::geteuid()) + " 1");
  write_whole(process, "gid_map", "0 " + std::to_string(::getegid()) + " 1");
}

}  // namespace nsgate::test
