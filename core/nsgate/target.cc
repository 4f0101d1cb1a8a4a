// SPDX-License-Identifier: Apache-2.0
#include "nsgate/target.h"

namespace nsgate {
namespace {

std::string number(std::string word, int value) { return word + ' ' + std::to_string(value); }

}  // namespace

std::string detail::TaskName::to_string() const {
  if (pidfd) return number("pidfd", *pidfd);
  const std::string of = number("pid", process);
  return thread ? number("thread", *thread) + " of " + of : of;
}

std::string Target::to_string() const {
  struct {
    std::string operator()(const detail::TaskName& task) const { return task.to_string(); }
    std::string operator()(const Named& named) const { return "/run/netns/" + named.name; }
    std::string operator()(const std::filesystem::path& path) const { return path.string(); }
    std::string operator()(Descriptor descriptor) const {
      return number("descriptor", descriptor.fd);
    }
    std::string operator()(Socket socket) const { return number("socket", socket.fd); }
    std::string operator()(Current) const { return "the current thread"; }
  } words;
  return std::visit(words, name_);
}

std::string UserTarget::to_string() const {
  struct {
    std::string operator()(const detail::TaskName& task) const { return task.to_string(); }
    std::string operator()(Descriptors fds) const {
      return number("descriptors", fds.user) + number(" and", fds.net);
    }
    std::string operator()(const Target& target) const {
      return target.to_string() + " and its owner";
    }
  } words;
  return std::visit(words, name_);
}

}  // namespace nsgate
