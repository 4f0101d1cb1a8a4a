// SPDX-License-Identifier: Apache-2.0
#include "nsgate/message.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "nsgate/file_limit.h"
#include "nsgate/stub_image.h"

namespace nsgate::detail {
namespace {

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

/// Of "NAME=value", with the "=".
std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('=') + 1);
}

std::vector<char*> environment_of(const Command& command) {
  std::vector<char*> envp;
  const auto add = [&](const char* variable) {
    const auto replaced = [&](const std::string& other) {
      return !name_of(other).empty() && name_of(other) == name_of(variable);
    };
    if (std::ranges::none_of(command.env_add, replaced)) {
      envp.push_back(const_cast<char*>(variable));
    }
  };
  if (command.env) {
    for (const auto& variable : *command.env) add(variable.c_str());
  } else {
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
      add(*variable);
    }
  }
  for (const auto& variable : command.env_add) {
    envp.push_back(const_cast<char*>(variable.c_str()));
  }
  envp.push_back(nullptr);
  return envp;
}

/// The paths that execvp(3) would try. An empty PATH entry is the current directory.
std::vector<std::string> candidates(const std::string& name, const std::vector<char*>& envp) {
  if (name.empty() || name.find('/') != std::string::npos) return {name};
  std::string_view path = "PATH=/bin:/usr/bin";  // execvp(3), when PATH is unset
  for (const char* variable : envp) {
    if (variable != nullptr && name_of(variable) == name_of(path)) {
      path = variable;
      break;
    }
  }
  path.remove_prefix(name_of(path).size());
  std::vector<std::string> found;
  while (true) {
    const auto colon = path.find(':');
    const auto directory = path.substr(0, colon);
    found.push_back(directory.empty() ? name : std::string(directory) + '/' + name);
    if (colon == std::string_view::npos) return found;
    path.remove_prefix(colon + 1);
  }
}

/// A descriptor that the caller has closed must not be taken for one of ours, which would get its
/// number.
Result<void> check_borrowed(const Command& command) {
  std::vector<int> borrowed;
  if (command.stdin_fd >= 0 && !command.inherit_stdio) borrowed.push_back(command.stdin_fd);
  for (const auto& passed : command.pass) borrowed.push_back(passed.fd);
  for (const int fd : borrowed) {
    if (::fcntl(fd, F_GETFD) < 0) {
      return std::unexpected(
          Error{Stage::pipe, errno, command.argv.front(), 0, "descriptor " + std::to_string(fd)});
    }
  }
  return {};
}

/// A memfd that may be executed: MFD_EXEC since Linux 6.3, and before it every memfd was. Whoever
/// may trace the stub gets at it, by /proc/PID/exe, and cut short it would end the caller by
/// SIGBUS: so its size is sealed.
Fd executable_memfd(std::span<const char> bytes) {
  constexpr unsigned mfd_exec = 0x10;
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  if (!may_grow_to(bytes.size())) return {};
  Fd file(::memfd_create("nsgate", flags | mfd_exec));
  if (!file && errno == EINVAL) file = Fd(::memfd_create("nsgate", flags));
  // Written and then mapped: a write says when there is no memory, and a mapping ends the caller by
  // SIGBUS.
  if (!file || ::pwrite(file.get(), bytes.data(), bytes.size(), 0) != std::ssize(bytes) ||
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return {};
  }
  return file;
}

/// Whether the end of the stub can be told from that of the program: the child stays until it is
/// reaped, and /proc is there and is that of the caller's pid namespace.
bool dead_can_be_named() {
  struct sigaction action {};
  if (::sigaction(SIGCHLD, nullptr, &action) != 0 || action.sa_handler == SIG_IGN ||
      (action.sa_flags & SA_NOCLDWAIT) != 0) {
    return false;
  }
  std::array<char, 16> self{};
  const auto length = ::readlink("/proc/self", self.data(), self.size());
  return length > 0 && std::string_view(self.data(), static_cast<std::size_t>(length)) ==
                           std::to_string(::getpid());
}

/// For the stub alone. False: the caller's capabilities cannot be told.
bool add_identity(ChildPlan& plan) {
  (void)::getrandom(&plan.name, sizeof plan.name, 0);
  // As hexadecimal digits, because /proc escapes some others.
  for (char& letter : plan.name) letter = "0123456789abcdef"[letter & 0xf];
  plan.name[sizeof plan.name - 1] = '\0';
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return ::syscall(SYS_capget, &header, plan.capabilities) == 0;
}

/// Lays what the plan's offsets name behind the plan.
class Tail {
 public:
  template <typename T>
  Offset add(std::span<const T> items) {
    bytes_.resize((bytes_.size() + alignof(T) - 1) / alignof(T) * alignof(T));
    const auto offset = static_cast<Offset>(sizeof(ChildPlan) + bytes_.size());
    const auto* begin = reinterpret_cast<const char*>(items.data());
    bytes_.insert(bytes_.end(), begin, begin + items.size_bytes());
    return offset;
  }
  Offset add(const std::string& text) { return add(std::span(text.c_str(), text.size() + 1)); }
  const std::vector<char>& bytes() const { return bytes_; }

 private:
  std::vector<char> bytes_;
};

}  // namespace

Result<Words> prepare(const Command& command) {
  const auto refuse = [&](const std::string& why) {
    return std::unexpected(
        Error{Stage::exec, EINVAL,
              command.argv.empty() ? "of an empty command" : command.argv.front(), 0, why});
  };
  if (command.argv.empty()) return refuse("");
  if (std::ranges::any_of(command.argv, has_nul)) return refuse("a NUL byte in an argument");
  if (std::ranges::any_of(command.env_add, has_nul) ||
      (command.env && std::ranges::any_of(*command.env, has_nul))) {
    return refuse("a NUL byte in a variable");
  }
  if (has_nul(command.directory)) return refuse("a NUL byte in the directory");
  if (std::ranges::any_of(command.pass, [](auto passed) { return passed.as <= STDERR_FILENO; })) {
    return refuse("a descriptor passed as 0, 1 or 2");
  }
  if (command.stdin_fd >= 0 && command.stdin_bytes && !command.inherit_stdio) {
    return refuse("two inputs");
  }
  // To the kernel it means no change (setresuid(2)): the program would keep the caller's.
  if (command.credentials && (command.credentials->uid == static_cast<uid_t>(-1) ||
                              command.credentials->gid == static_cast<gid_t>(-1))) {
    return refuse("an id of -1");
  }
  if (command.parent_death_signal < 0 || command.parent_death_signal > SIGRTMAX) {
    return refuse("no signal");
  }
  if (auto borrowed = check_borrowed(command); !borrowed) {
    return std::unexpected(borrowed.error());
  }
  Words words;
  for (const auto& word : command.argv) words.argv.push_back(const_cast<char*>(word.c_str()));
  words.argv.push_back(nullptr);
  words.envp = environment_of(command);
  words.programs = candidates(command.argv.front(), words.envp);
  return words;
}

Result<Message> Message::make(const Command& command, const Words& words,
                              std::span<const Command::Passed> passed, Kind kind) {
  Tail tail;
  ChildPlan plan{};
  plan.passed = tail.add(passed);
  plan.passed_count = static_cast<int>(passed.size());
  plan.program_count = static_cast<int>(words.programs.size());
  for (const auto& program : words.programs) {
    const Offset offset = tail.add(program);
    if (plan.programs == 0) plan.programs = offset;
  }
  if (!command.directory.empty()) plan.directory = tail.add(command.directory);
  if (command.credentials) {
    plan.groups = tail.add(std::span<const gid_t>(command.credentials->groups));
    plan.group_count = static_cast<int>(command.credentials->groups.size());
    plan.uid = command.credentials->uid;
    plan.gid = command.credentials->gid;
  }
  plan.own_group = command.own_group;
  plan.no_new_privs = command.no_new_privs;
  plan.parent_death_signal = command.parent_death_signal;
  plan.parent = ::getpid();

  if (kind == Kind::stub && !(dead_can_be_named() && add_identity(plan))) kind = Kind::copied;
  Message message(kind, stub_image(), plan, tail.bytes());
  if (!message.share()) return std::unexpected(Error{Stage::pipe, errno, command.argv.front()});
  return message;
}

Message::Message(Kind kind, std::span<const char> stub, const ChildPlan& plan,
                 std::span<const char> tail)
    : kind_(kind), bytes_(plan_offset + sizeof plan + tail.size()) {
  std::ranges::copy(stub, bytes_.begin());
  plan_ = new (bytes_.data() + plan_offset) ChildPlan(plan);
  std::ranges::copy(tail, bytes_.begin() + plan_offset + sizeof plan);
}

bool Message::share() {
  if (kind_ == Kind::stub) {
    file_ = executable_memfd(bytes_);
    if (!file_) kind_ = Kind::copied;
  }
  if (kind_ == Kind::in_callers_memory) return true;
  void* mapped = ::mmap(nullptr, bytes_.size(), PROT_READ | PROT_WRITE,
                        MAP_SHARED | (file_ ? 0 : MAP_ANONYMOUS), file_.get(), 0);
  if (mapped == MAP_FAILED) return false;
  if (!file_) std::memcpy(mapped, bytes_.data(), bytes_.size());
  mapped_ = static_cast<char*>(mapped);
  plan_ = reinterpret_cast<ChildPlan*>(mapped_ + plan_offset);
  return true;
}

Message::Message(Message&& other) noexcept
    : kind_(other.kind_),
      bytes_(std::move(other.bytes_)),
      file_(std::move(other.file_)),
      mapped_(std::exchange(other.mapped_, nullptr)),
      plan_(other.plan_) {}

Message::~Message() {
  if (mapped_ != nullptr) ::munmap(mapped_, bytes_.size());
}

}  // namespace nsgate::detail
