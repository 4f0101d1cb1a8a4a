// SPDX-License-Identifier: Apache-2.0
//
// One system call of a stopped tracee, which a lie may change. x86-64 only.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>

namespace nsgate::lies {

class Call {
 public:
  /// At the entry, with the registers that the tracee came with. A truthful call is told to change
  /// and does not.
  Call(pid_t task, const user_regs_struct& registers, bool truthful)
      : task_(task), made_(registers), now_(registers), truthful_(truthful) {}

  pid_t task() const { return task_; }
  /// As the program made it, whatever became of it.
  long number() const { return static_cast<long>(made_.orig_rax); }
  long argument(int place) const;
  /// What a link of /proc/TASK says: "ns/net", "fd/3".
  std::string link(const std::string& name) const;
  /// "net:[…]", "pipe:[…]", a path.
  std::string link_of(long fd) const { return link("fd/" + std::to_string(fd)); }
  std::string text_at(long address) const;
  template <typename T>
  T read(long address) const {
    T value{};
    read_memory(address, &value, sizeof value);
    return value;
  }
  template <typename T>
  void write(long address, const T& value) {
    if (lie()) write_memory(address, &value, sizeof value);
  }

  // At the entry.
  void set_argument(int place, long value);
  void become(long number, std::initializer_list<long> arguments);
  /// It is not made, and returns this; an error is -errno.
  void answer(long value);
  /// A string in the tracee's memory, until the call returns.
  long put_text(const std::string& text);

  // At the exit.
  long result() const { return result_; }
  void set_result(long value);
  /// Another call is made behind it, of which nobody is told.
  void follow(long number, std::initializer_list<long> arguments);

  /// How often it was changed.
  int told() const { return told_; }

  // For the tracer.
  const user_regs_struct& to_enter() const { return now_; }
  void returned(long value) { result_ = answer_.value_or(value); }
  /// What the program finds: its own registers and the result.
  user_regs_struct to_return() const;
  const std::optional<user_regs_struct>& to_follow() const { return follow_; }

 private:
  bool lie();
  void read_memory(long address, void* to, std::size_t size) const;
  void write_memory(long address, const void* from, std::size_t size) const;

  pid_t task_;
  user_regs_struct made_;
  user_regs_struct now_;
  std::optional<user_regs_struct> follow_;
  std::optional<long> answer_;
  long result_ = 0;
  int told_ = 0;
  bool truthful_;
};

}  // namespace nsgate::lies
