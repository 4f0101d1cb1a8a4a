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

#include "nsgate/cancellation.h"
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

/// What of an execution does not depend on the target.
struct Prepared {
  detail::Words words;
  Fd in;  // empty: /dev/null
};

Result<Prepared> prepare(const Command& command) {
  auto words = detail::prepare(command);
  if (!words) return std::unexpected(words.error());
  Prepared prepared{std::move(*words), Fd()};
  if (command.stdin_fd < 0) return prepared;
  // Before anything is opened: a descriptor that the caller has closed must not be taken for one
  // of ours, which would get its number.
  auto in = above_stdio(Fd(::fcntl(command.stdin_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)),
                        command.argv.front());
  if (!in) return std::unexpected(in.error());
  prepared.in = std::move(*in);
  return prepared;
}

/// Every descriptor of one execution but the namespaces.
struct Plumbing {
  Fd in;
  Pipe out;
  Pipe err;
  Pipe report;
};

Result<Plumbing> make_plumbing(Fd in, const std::string& program) {
  Plumbing plumbing;
  if (!in) {
    auto null = above_stdio(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), program);
    if (!null) return std::unexpected(null.error());
    in = std::move(*null);
  }
  plumbing.in = std::move(in);
  for (Pipe* pipe : {&plumbing.out, &plumbing.err, &plumbing.report}) {
    auto made = make_pipe(program);
    if (!made) return std::unexpected(made.error());
    *pipe = std::move(*made);
  }
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

  /// Whether it has become the program. It is created without an exit signal, and execve(2) gives
  /// it SIGCHLD (de_thread in fs/exec.c); __WCLONE asks for children with another one than SIGCHLD.
  bool is_program() const {
    siginfo_t info{};
    return wait_for(info, WEXITED | WNOHANG | WNOWAIT | __WCLONE) == ECHILD;
  }

  /// The errno of waitid(2) when the end cannot be known.
  std::expected<std::variant<Exited, Signaled>, int> wait() {
    siginfo_t info{};
    const int error = wait_for(info, WEXITED | __WALL);
    pidfd_.reset();
    if (error != 0) return std::unexpected(error);
    if (info.si_code == CLD_EXITED) return Exited{info.si_status};
    return Signaled{info.si_status, info.si_code == CLD_DUMPED};
  }

 private:
  int wait_for(siginfo_t& info, unsigned options) const {
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, static_cast<int>(options)) !=
           0) {
      if (errno != EINTR) return errno;
    }
    return 0;
  }

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
  // No exit signal: see Child::is_program.
  const int flags = CLONE_VFORK | CLONE_PIDFD | (plan.join_user ? 0 : CLONE_VM);
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

/// When the command's time is over. A deadline beyond the clock's end is none.
std::optional<Clock::time_point> end_of_time(const Command& command) {
  using std::chrono::milliseconds;
  const auto now = Clock::now();
  const auto longest = std::chrono::duration_cast<milliseconds>(Clock::time_point::max() - now);
  if (command.deadline.value_or(milliseconds::max()) > longest) return std::nullopt;
  return now + *command.deadline;
}

/// Reads both streams together until the command's end; false when the deadline came first. A
/// caller that is cancelled meanwhile unwinds, and ~Child ends the program.
bool collect(const Command& command, const Child& child,
             const detail::CancellationHeldOff& held_off, detail::Capture& out,
             detail::Capture& err) {
  const auto until = end_of_time(command);
  bool exited = false;
  const auto over = [&] {
    return exited && (command.until == Command::Until::exit || (out.ended() && err.ended()));
  };
  while (true) {
    std::array<pollfd, 3> events{
        {{out.fd(), POLLIN, 0}, {err.fd(), POLLIN, 0}, {exited ? -1 : child.pidfd(), POLLIN, 0}}};
    const int ready = held_off.let_through(
        [&] { return ::poll(events.data(), events.size(), poll_timeout(until)); });
    if (ready > 0) {
      exited = exited || events[2].revents != 0;
      // After the exit was seen: what the program wrote is in the pipes, and this takes it.
      out.drain();
      err.drain();
    }
    if (over()) return true;
    if (until && Clock::now() >= *until) return false;
  }
}

Result<Finished> finish(const Command& command, Child child, Plumbing plumbing,
                        const detail::CancellationHeldOff& held_off) {
  detail::Capture out(std::move(plumbing.out.read), command.capture_limit);
  detail::Capture err(std::move(plumbing.err.read), command.capture_limit);
  const std::string& program = command.argv.front();
  if (!collect(command, child, held_off, out, err)) {
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
  bool join_user;
  int user;
  int net;
  std::string target;
};

/// What setns(2) would say of a descriptor that is closed, said before a pipe of ours gets its
/// number.
Result<void> check_open(const Join& join) {
  if (join.join_user && ::fcntl(join.user, F_GETFD) < 0) {
    return std::unexpected(Error{Stage::setns_user, errno, join.target});
  }
  if (::fcntl(join.net, F_GETFD) < 0) {
    return std::unexpected(Error{Stage::setns_net, errno, join.target});
  }
  return {};
}

Result<Finished> execute(const Join& join, Prepared prepared, const Command& command,
                         const detail::CancellationHeldOff& held_off) {
  if (auto open = check_open(join); !open) return std::unexpected(open.error());
  auto plumbing = make_plumbing(std::move(prepared.in), command.argv.front());
  if (!plumbing) return std::unexpected(plumbing.error());

  detail::ChildPlan plan{.join_user = join.join_user,
                         .user = join.user,
                         .net = join.net,
                         .in = plumbing->in.get(),
                         .out = plumbing->out.write.get(),
                         .err = plumbing->err.write.get(),
                         .report = plumbing->report.write.get(),
                         .programs = prepared.words.program_pointers.data(),
                         .argv = prepared.words.argv.data(),
                         .envp = prepared.words.envp.data()};
  const std::string program = command.argv.front() + " in " + join.target;
  auto child = clone_child(plan);
  if (!child) return std::unexpected(Error{Stage::clone, child.error(), program});
  for (Pipe* pipe : {&plumbing->out, &plumbing->err, &plumbing->report}) pipe->write.reset();

  const auto report = last_report(plumbing->report.read);
  if (child->is_program()) {
    return finish(command, std::move(*child), std::move(*plumbing), held_off);
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
  const detail::CancellationHeldOff held_off;
  auto prepared = prepare(command);
  if (!prepared) return std::unexpected(prepared.error());
  const auto netns = Netns::open(target);
  if (!netns) return std::unexpected(netns.error());
  return execute({.join_user = false, .user = -1, .net = netns->fd(), .target = target.to_string()},
                 std::move(*prepared), command, held_off);
}

Result<Finished> exec_in_user_netns(const UserTarget& target, const Command& command) {
  const detail::CancellationHeldOff held_off;
  auto prepared = prepare(command);
  if (!prepared) return std::unexpected(prepared.error());
  const auto both = UserNetns::open(target);
  if (!both) return std::unexpected(both.error());
  return execute(
      {.join_user = true, .user = both->user(), .net = both->net(), .target = target.to_string()},
      std::move(*prepared), command, held_off);
}

}  // namespace nsgate
