// SPDX-License-Identifier: Apache-2.0
#include "nsgate/error.h"

#include <cstring>
#include <utility>

namespace nsgate {
namespace {

struct Words {
  std::string_view name;
  std::string_view attempt;  // stands before the operands in a message
};

Words words(Stage stage) {
  switch (stage) {
    case Stage::open:
      return {"open", "open"};
    case Stage::thread:
      return {"thread", "pthread_create for"};
    case Stage::pipe:
      return {"pipe", "pipes for"};
    case Stage::clone:
      return {"clone", "clone for"};
    case Stage::stdio:
      return {"stdio", "dup3 for"};
    case Stage::descriptors:
      return {"descriptors", "close_range for"};
    case Stage::setns_user:
      return {"setns_user", "setns(CLONE_NEWUSER) of"};
    case Stage::setns_net:
      return {"setns_net", "setns(CLONE_NEWNET) of"};
    case Stage::setns_both:
      return {"setns_both", "setns(CLONE_NEWUSER | CLONE_NEWNET) of"};
    case Stage::credentials:
      return {"credentials", "credentials for"};
    case Stage::directory:
      return {"directory", "chdir for"};
    case Stage::exec:
      return {"exec", "execve"};
    case Stage::wait:
      return {"wait", "wait for"};
    case Stage::worker:
      return {"worker", "worker in"};
  }
  std::unreachable();
}

std::string reason(const Error& error) {
  if (error.signal != 0) {
    const char* name = ::sigabbrev_np(error.signal);
    return "the child was killed by " +
           (name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(error.signal));
  }
  if (error.code == 0) return "ended without a result";
  // Neither depends on the locale nor on a static buffer, unlike strerror(3).
  const char* name = ::strerrorname_np(error.code);
  const char* meaning = ::strerrordesc_np(error.code);
  if (name == nullptr || meaning == nullptr) return "errno " + std::to_string(error.code);
  return std::string(name) + " (" + meaning + ")";
}

}  // namespace

std::string_view to_string(Stage stage) { return words(stage).name; }

std::string Error::message() const {
  return std::string(words(stage).attempt) + ' ' + operands + ": " + reason(*this) +
         (note.empty() ? "" : ": " + note);
}

}  // namespace nsgate
