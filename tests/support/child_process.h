// SPDX-License-Identifier: Apache-2.0
//
// Processes of a test: one that answers a question and ends, one that parks to be entered.
//
// Nothing asserts in them: they return values, and the test asserts.
#pragma once

#include <sys/types.h>

#include <functional>
#include <type_traits>

#include "nsgate/fd.h"

namespace nsgate::test {

namespace detail {
/// Forks; the child calls ask(buffer) and sends `size` bytes of it. Throws std::runtime_error, with
/// the child's end in its text, when the answer does not arrive whole.
void ask_child(const std::function<void(void*)>& ask, void* answer, std::size_t size);
}  // namespace detail

/// What f() returns in a fresh, single-threaded child process, whose namespaces, credentials and
/// descriptors may then be changed freely.
///
///   EXPECT_EQ(answer_of_child([&] { return setns(fd, 0) == 0 ? 0 : errno; }), EPERM);
template <typename F>
auto answer_of_child(F f) {
  using Answer = std::invoke_result_t<F>;
  static_assert(std::is_trivially_copyable_v<Answer>);
  Answer answer{};
  detail::ask_child([&f](void* buffer) { *static_cast<Answer*>(buffer) = f(); }, &answer,
                    sizeof answer);
  return answer;
}

/// A child that runs `setup` and then waits to be killed. It is reaped with this object.
class ParkedProcess {
 public:
  /// `setup` returns 0 or an errno; the constructor waits for it and throws std::system_error when
  /// it failed.
  explicit ParkedProcess(const std::function<int()>& setup);
  ParkedProcess(const ParkedProcess&) = delete;
  ~ParkedProcess();

  pid_t pid() const { return pid_; }
  /// An open descriptor of /proc/PID/`file`, such as "ns/net"; throws when it cannot be opened.
  Fd open(const char* file) const;
  /// Kills it and waits until it is dead, but leaves the zombie.
  void make_zombie();
  /// Kills and reaps it: the pid is free.
  void reap();

 private:
  pid_t pid_;
};

}  // namespace nsgate::test
