// SPDX-License-Identifier: Apache-2.0
#include "lies/call.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>

namespace nsgate::lies {
namespace {

using Register = unsigned long long user_regs_struct::*;
constexpr std::array<Register, 6> places{&user_regs_struct::rdi, &user_regs_struct::rsi,
                                         &user_regs_struct::rdx, &user_regs_struct::r10,
                                         &user_regs_struct::r8,  &user_regs_struct::r9};

Register register_of(int place) { return places.at(static_cast<std::size_t>(place)); }

void put(user_regs_struct& registers, std::initializer_list<long> arguments) {
  int place = 0;
  for (const long argument : arguments) {
    registers.*register_of(place++) = static_cast<unsigned long long>(argument);
  }
}

}  // namespace

long Call::argument(int place) const { return static_cast<long>(made_.*register_of(place)); }

std::string Call::link(const std::string& name) const {
  const std::string path = "/proc/" + std::to_string(task_) + '/' + name;
  std::string target(256, '\0');
  const auto size = ::readlink(path.c_str(), target.data(), target.size());
  target.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return target;
}

std::string Call::text_at(long address) const {
  std::string text;
  for (char letter = 0; text.size() < 256 && (letter = read<char>(address)) != '\0'; ++address) {
    text += letter;
  }
  return text;
}

void Call::set_argument(int place, long value) {
  if (value == argument(place) || !lie()) return;
  now_.*register_of(place) = static_cast<unsigned long long>(value);
}

void Call::become(long number, std::initializer_list<long> arguments) {
  if (!lie()) return;
  now_.orig_rax = static_cast<unsigned long long>(number);
  put(now_, arguments);
}

void Call::answer(long value) {
  if (!lie()) return;
  now_.orig_rax = static_cast<unsigned long long>(-1);
  answer_ = value;
}

long Call::put_text(const std::string& text) {
  // Beyond the red zone, and what a handler may write there is of no use to anybody afterwards.
  const long address = static_cast<long>(made_.rsp) - 1024;
  if (!truthful_) write_memory(address, text.c_str(), text.size() + 1);
  return address;
}

void Call::set_result(long value) {
  if (value != result_ && lie()) result_ = value;
}

void Call::follow(long number, std::initializer_list<long> arguments) {
  if (!lie()) return;
  follow_ = made_;
  // Back to the instruction "syscall", of two bytes.
  follow_->rip -= 2;
  follow_->rax = static_cast<unsigned long long>(number);
  follow_->orig_rax = static_cast<unsigned long long>(-1);
  put(*follow_, arguments);
}

user_regs_struct Call::to_return() const {
  user_regs_struct registers = made_;
  registers.rax = static_cast<unsigned long long>(result_);
  return registers;
}

bool Call::lie() {
  if (!truthful_) ++told_;
  return !truthful_;
}

void Call::read_memory(long address, void* to, std::size_t size) const {
  const iovec here{to, size};
  const iovec there{reinterpret_cast<void*>(address), size};
  ::process_vm_readv(task_, &here, 1, &there, 1, 0);
}

void Call::write_memory(long address, const void* from, std::size_t size) const {
  const iovec here{const_cast<void*>(from), size};
  const iovec there{reinterpret_cast<void*>(address), size};
  ::process_vm_writev(task_, &here, 1, &there, 1, 0);
}

}  // namespace nsgate::lies
