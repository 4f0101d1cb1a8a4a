// SPDX-License-Identifier: Apache-2.0
#include "nsgate/child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace nsgate::detail {
namespace {

/// One past the last signal number of Linux (_NSIG of the kernel).
constexpr int signal_end = 65;

class Reporter {
 public:
  explicit Reporter(int fd) noexcept : fd_(fd) {}

  void begin(Stage stage) noexcept {
    stage_ = stage;
    send(0);
  }
  [[noreturn]] void fail(int error) noexcept {
    send(error);
    ::_exit(127);
  }
  void moved_to(int fd) noexcept { fd_ = fd; }

 private:
  void send(int code) noexcept {
    // A dozen records cannot fill a pipe, and a reader that is gone is no reason to stop.
    const Report report{.stage = stage_, .code = code};
    [[maybe_unused]] const auto written = ::write(fd_, &report, sizeof report);
  }

  int fd_;
  Stage stage_{};
};

/// Puts the standard descriptors in place and closes everything else but the report, which moves to
/// 3. close_range is told apart from dup2 because it is newer than some kernels.
void arrange_descriptors(const ChildPlan& plan, Reporter& reporter) noexcept {
  reporter.begin(Stage::stdio);
  if (::dup2(plan.in, STDIN_FILENO) < 0 || ::dup2(plan.out, STDOUT_FILENO) < 0 ||
      ::dup2(plan.err, STDERR_FILENO) < 0) {
    reporter.fail(errno);
  }
  // Nothing at 3 is needed any more, unless it is the report itself.
  constexpr int report_fd = 3;
  if (plan.report != report_fd) {
    if (::dup3(plan.report, report_fd, O_CLOEXEC) < 0) reporter.fail(errno);
    reporter.moved_to(report_fd);
  }
  reporter.begin(Stage::descriptors);
  if (::close_range(report_fd + 1, ~0u, 0) != 0) reporter.fail(errno);
}

/// The mask empty, and no handler of the caller's left: one that ran here would run in the caller's
/// memory. Ignored signals stay ignored, as nohup(1) needs, SIGPIPE excepted: a program that meets
/// a closed pipe is expected to die of it.
void reset_signals() noexcept {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < signal_end; ++signal) {
    struct sigaction current {};
    if (::sigaction(signal, nullptr, &current) != 0) continue;  // glibc's own, never delivered here
    const bool handled = current.sa_handler != SIG_DFL && current.sa_handler != SIG_IGN;
    if (handled || signal == SIGPIPE) ::sigaction(signal, &standard, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Tries the paths as execvp(3) does: a missing one is passed over, and EACCES is told when no
/// later one can be executed.
[[noreturn]] void execute(const ChildPlan& plan, Reporter& reporter) noexcept {
  int error = ENOENT;
  bool denied = false;
  for (const char* const* program = plan.programs; *program != nullptr; ++program) {
    ::execve(*program, plan.argv, plan.envp);
    error = errno;
    if (error == EACCES) denied = true;
    if (error != EACCES && error != ENOENT && error != ENOTDIR) reporter.fail(error);
  }
  reporter.fail(denied ? EACCES : error);
}

}  // namespace

int run_child(void* argument) noexcept {
  const auto& plan = *static_cast<const ChildPlan*>(argument);
  Reporter reporter(plan.report);
  // The user namespace first: it gives the capabilities that joining the network namespace needs.
  if (plan.join_user) {
    reporter.begin(Stage::setns_user);
    if (::setns(plan.user, CLONE_NEWUSER) != 0) reporter.fail(errno);
  }
  // Before 0, 1 and 2 are replaced, because the namespace file may be one of them.
  reporter.begin(Stage::setns_net);
  if (::setns(plan.net, CLONE_NEWNET) != 0) reporter.fail(errno);
  arrange_descriptors(plan, reporter);
  reset_signals();
  reporter.begin(Stage::exec);
  execute(plan, reporter);
}

}  // namespace nsgate::detail
