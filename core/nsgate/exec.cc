// SPDX-License-Identifier: Apache-2.0
#include "nsgate/exec.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "nsgate/capture.h"
#include "nsgate/child.h"
#include "nsgate/fd.h"
#include "nsgate/words.h"

namespace nsgate {
namespace {

using Clock = std::chrono::steady_clock;

/// One pipe, both ends close-on-exec. The read end does not block; the write end is never 0, 1 or
/// 2, which the child replaces.
struct Pipe {
  Fd read;
  Fd write;
};

/// The descriptor itself, or a copy of it above the standard ones.
Result<Fd> above_stdio(Fd fd, const std::string& program) {
  if (!fd) return std::unexpected(Error{Stage::pipe, errno, program});
  if (fd.get() > STDERR_FILENO) return fd;
  Fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!copy) return std::unexpected(Error{Stage::pipe, errno, program});
  return copy;
}

Result<Pipe> make_pipe(const std::string& program) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::unexpected(Error{Stage::pipe, errno, program});
  }
  Pipe pipe{Fd(ends[0]), Fd()};
  auto write = above_stdio(Fd(ends[1]), program);
  if (!write) return std::unexpected(write.error());
  pipe.write = std::move(*write);
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) {
    return std::unexpected(Error{Stage::pipe, errno, program});
  }
  return pipe;
}

/// Every descriptor of one execution.
struct Plumbing {
  Fd in;
  Pipe out;
  Pipe err;
  Pipe report;
};

Result<Plumbing> make_plumbing(const Command& command) {
  const std::string& program = command.argv.front();
  Plumbing plumbing;
  for (Pipe* pipe : {&plumbing.out, &plumbing.err, &plumbing.report}) {
    auto made = make_pipe(program);
    if (!made) return std::unexpected(made.error());
    *pipe = std::move(*made);
  }
  auto in = above_stdio(command.stdin_fd >= 0
                            ? Fd(::fcntl(command.stdin_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1))
                            : Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
                        program);
  if (!in) return std::unexpected(in.error());
  plumbing.in = std::move(*in);
  return plumbing;
}

/// A started child: killed and reaped when nobody waited for it.
class Child {
 public:
  explicit Child(Fd pidfd) : pidfd_(std::move(pidfd)) {}
  Child(Child&&) = default;
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (!pidfd_) return;
    kill();
    (void)wait();
  }

  int pidfd() const { return pidfd_.get(); }
  void kill() const {
    // glibc 2.36 declares pidfd_send_signal without C linkage, so that C++ cannot call it.
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  }

  /// The errno of waitid(2) when the end cannot be known.
  std::expected<std::variant<Exited, Signaled>, int> wait() {
    const Fd pidfd = std::move(pidfd_);
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED) != 0) {
      if (errno != EINTR) return std::unexpected(errno);
    }
    if (info.si_code == CLD_EXITED) return Exited{info.si_status};
    return Signaled{info.si_status, info.si_code == CLD_DUMPED};
  }

 private:
  Fd pidfd_;
};

/// A handler of the caller's that ran in the child would run in the caller's memory.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

std::expected<Child, int> clone_child(detail::ChildPlan& plan) {
  // Enough for run_child; the kernel uses a stack of its own for execve.
  alignas(16) std::array<char, 16384> stack;
  // With CLONE_VFORK the caller goes on when the child has become the program or has ended, so
  // that all reports are there by then: a copy of the pipe in some other child cannot delay them.
  const int flags = CLONE_VFORK | CLONE_PIDFD | SIGCHLD | (plan.user < 0 ? CLONE_VM : 0);
  int pidfd = -1;
  const AllSignalsBlocked blocked;
  if (::clone(&detail::run_child, stack.data() + stack.size(), flags, &plan, &pidfd) < 0) {
    return std::unexpected(errno);
  }
  return Child(Fd(pidfd));
}

/// What the child reported last. Nothing reported: it did not come as far as its first stage.
detail::Report last_report(const Fd& pipe) {
  detail::Report last{.stage = Stage::clone, .code = 0};
  detail::Report next{};
  ssize_t n = 0;
  while ((n = ::read(pipe.get(), &next, sizeof next)) == sizeof next || (n < 0 && errno == EINTR)) {
    if (n > 0) last = next;
  }
  return last;
}

/// Milliseconds for poll(2), rounded up so that it never wakes too early; -1: no limit.
int poll_timeout(const std::optional<Clock::time_point>& until) {
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, std::numeric_limits<int>::max()));
}

/// Reads both streams together until the command's end; false when the deadline came first.
bool collect(const Command& command, const Child& child, detail::Capture& out,
             detail::Capture& err) {
  std::optional<Clock::time_point> until;
  if (command.deadline) until = Clock::now() + *command.deadline;
  bool exited = false;
  while (!exited ||
         (command.until == Command::Until::end_of_file && !(out.ended() && err.ended()))) {
    std::array<pollfd, 3> events{
        {{out.fd(), POLLIN, 0}, {err.fd(), POLLIN, 0}, {exited ? -1 : child.pidfd(), POLLIN, 0}}};
    const int ready = ::poll(events.data(), events.size(), poll_timeout(until));
    if (ready == 0 && until && Clock::now() >= *until) return false;
    if (ready <= 0) continue;
    exited = exited || events[2].revents != 0;
    // After the exit was seen: what the program wrote is in the pipes, and this takes it.
    out.drain();
    err.drain();
  }
  return true;
}

Result<Finished> finish(const Command& command, Child child, Plumbing plumbing) {
  detail::Capture out(std::move(plumbing.out.read), command.capture_limit);
  detail::Capture err(std::move(plumbing.err.read), command.capture_limit);
  const std::string& program = command.argv.front();
  if (!collect(command, child, out, err)) {
    return std::unexpected(Error{Stage::wait, ETIMEDOUT, program});
  }
  const auto how = child.wait();
  if (!how) return std::unexpected(Error{Stage::wait, how.error(), program});
  return Finished{.how = *how,
                  .out = out.take(),
                  .err = err.take(),
                  .out_truncated = out.truncated(),
                  .err_truncated = err.truncated()};
}

struct Join {
  int user;
  int net;
  std::string target;
};

Result<Finished> execute(const Join& join, const Command& command) {
  const auto words = detail::prepare(command);
  if (!words) return std::unexpected(words.error());
  auto plumbing = make_plumbing(command);
  if (!plumbing) return std::unexpected(plumbing.error());

  detail::ChildPlan plan{.user = join.user,
                         .net = join.net,
                         .in = plumbing->in.get(),
                         .out = plumbing->out.write.get(),
                         .err = plumbing->err.write.get(),
                         .report = plumbing->report.write.get(),
                         .programs = words->program_pointers.data(),
                         .argv = words->argv.data(),
                         .envp = words->envp.data()};
  const std::string program = command.argv.front() + " in " + join.target;
  auto child = clone_child(plan);
  if (!child) return std::unexpected(Error{Stage::clone, child.error(), program});
  for (Pipe* pipe : {&plumbing->out, &plumbing->err, &plumbing->report}) pipe->write.reset();

  const auto report = last_report(plumbing->report.read);
  if (report.stage == Stage::exec && report.code == 0) {
    return finish(command, std::move(*child), std::move(*plumbing));
  }
  const bool joining = report.stage == Stage::setns_user || report.stage == Stage::setns_net;
  Error error{report.stage, report.code, joining ? join.target : program};
  const auto how = child->wait();
  if (how && report.code == 0) {
    if (const auto* signaled = std::get_if<Signaled>(&*how)) error.signal = signaled->signal;
  }
  return std::unexpected(std::move(error));
}

}  // namespace

Result<Finished> exec_in_netns(const Target& target, const Command& command) {
  const auto netns = Netns::open(target);
  if (!netns) return std::unexpected(netns.error());
  return execute({.user = -1, .net = netns->fd(), .target = target.to_string()}, command);
}

Result<Finished> exec_in_user_netns(const UserTarget& target, const Command& command) {
  const auto both = UserNetns::open(target);
  if (!both) return std::unexpected(both.error());
  return execute({.user = both->user(), .net = both->net(), .target = target.to_string()}, command);
}

}  // namespace nsgate
