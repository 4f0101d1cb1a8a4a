// SPDX-License-Identifier: Apache-2.0
#include "floor_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "nsgate/fd.h"

namespace nsgate::bench {
namespace {

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

/// Reads what is there; closes at end of file.
void drain(Fd& pipe) {
  std::array<char, 65536> buffer;
  if (::read(pipe.get(), buffer.data(), buffer.size()) <= 0) pipe.reset();
}

void read_to_the_end(Fd out, Fd err) {
  while (out || err) {
    std::array<pollfd, 2> events{{{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}}};
    ::poll(events.data(), events.size(), -1);
    if (events[0].revents != 0) drain(out);
    if (events[1].revents != 0) drain(err);
  }
}

}  // namespace

std::string nothing() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "nsgate_nothing";
}

int spawn_with_capture(const std::string& program) {
  std::array<int, 2> out{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0) return errno;
  Fd out_read(out[0]);
  Fd out_write(out[1]);
  std::array<int, 2> err{};
  if (::pipe2(err.data(), O_CLOEXEC) != 0) return errno;
  Fd err_read(err[0]);
  Fd err_write(err[1]);
  FileActions actions;
  ::posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(actions.get(), out_write.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(actions.get(), err_write.get(), STDERR_FILENO);

  std::array<char*, 2> argv{const_cast<char*>(program.c_str()), nullptr};
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, program.c_str(), actions.get(), nullptr, argv.data(), environ);
  if (error != 0) return error;
  out_write.reset();
  err_write.reset();
  read_to_the_end(std::move(out_read), std::move(err_read));
  int status = -1;
  if (::waitpid(pid, &status, 0) != pid) return errno;
  return status == 0 ? 0 : ECHILD;
}

}  // namespace nsgate::bench
