// SPDX-License-Identifier: Apache-2.0
#include "nsgate/exec.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "nsgate/cancellation.h"
#include "nsgate/capture.h"
#include "nsgate/child_process.h"
#include "nsgate/file_limit.h"
#include "nsgate/filter.h"
#include "nsgate/message.h"

namespace nsgate {
namespace {

using Clock = std::chrono::steady_clock;
using detail::CancellationHeldOff;
using detail::ChildPlan;
using detail::ChildProcess;
using detail::Message;

/// How a program is entered, with the namespaces open.
struct Entry {
  std::span<const JoinStep> steps;
  bool joins_user;
  std::string target;
};

/// Descriptors for the child, none lower than the plan allows.
class Sources {
 public:
  Sources(int from, std::string program) : from_(from), program_(std::move(program)) {}

  /// The descriptor itself where it is high enough, and a copy of it otherwise.
  Result<int> borrow(int fd) {
    if (fd >= from_ && ::fcntl(fd, F_GETFD) >= 0) return fd;
    return keep(Fd(::fcntl(fd, F_DUPFD_CLOEXEC, from_)));
  }
  Result<int> keep(Fd fd) {
    if (!fd) return std::unexpected(Error{Stage::pipe, errno, program_});
    kept_.push_back(std::move(fd));
    const int kept = kept_.back().get();
    return kept >= from_ ? kept : borrow(kept);
  }
  /// The write end; the read end does not block.
  Result<int> pipe_to(Fd& read_end) {
    std::array<int, 2> ends{-1, -1};
    const int error = ::pipe2(ends.data(), O_CLOEXEC);
    read_end = Fd(ends[0]);
    auto write_end = keep(error == 0 ? Fd(ends[1]) : Fd());
    if (write_end && ::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return keep(Fd());
    return write_end;
  }

  /// After the child has them.
  void close() { kept_.clear(); }

 private:
  int from_;
  std::string program_;
  std::vector<Fd> kept_;
};

/// A file with these bytes, to be read from its start.
Fd file_of(const std::string& bytes) {
  Fd file(detail::may_grow_to(bytes.size()) ? ::memfd_create("stdin", MFD_CLOEXEC) : -1);
  for (std::size_t done = 0; file && done < bytes.size();) {
    const auto n =
        ::pwrite(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno != EINTR) return Fd();
    done += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  }
  return file;
}

Result<int> stdin_of(const Command& command, Sources& sources) {
  if (command.stdin_bytes) return sources.keep(file_of(*command.stdin_bytes));
  if (command.stdin_fd >= 0) return sources.borrow(command.stdin_fd);
  return sources.keep(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
}

/// The lowest number that no descriptor of the program has, nor a higher one.
int base_of(const Command& command) {
  int base = STDERR_FILENO + 1;
  // A number that no limit allows is left to fcntl(2) to refuse.
  constexpr int highest = std::numeric_limits<int>::max() - ChildPlan::max_steps - 1;
  for (const auto& passed : command.pass)
    base = std::max(base, std::min(passed.as, highest - 1) + 1);
  return base;
}

/// Changing ids or the user namespace clears the `dumpable` attribute of the memory
/// (commit_creds in kernel/cred.c), so that it must not be the caller's.
Message::Kind memory_for(const Entry& entry, const Command& command) {
  return entry.joins_user || command.credentials ? Message::Kind::stub
                                                 : Message::Kind::in_callers_memory;
}

/// Everything that the child needs, and the read ends of its output.
struct Ready {
  detail::Words words;
  Sources sources;
  Message message;
  Fd out;
  Fd err;
};

/// Fills a plan in.
Result<Ready> make_ready(const Entry& entry, const Command& command, detail::Words words,
                         Message::Kind kind) {
  const int base = base_of(command);
  const int places = static_cast<int>(entry.steps.size()) + (kind == Message::Kind::stub ? 1 : 0);
  Sources sources(base + places, command.argv.front());
  std::vector<Command::Passed> passed;
  for (const auto& [fd, as] : command.pass) {
    auto source = sources.borrow(fd);
    if (!source) return std::unexpected(source.error());
    passed.push_back({*source, as});
  }
  auto message = Message::make(command, words, passed, kind);
  if (!message) return std::unexpected(message.error());

  ChildPlan& plan = message->plan();
  Fd out;
  Fd err;
  plan.base = base;
  plan.in = plan.out = plan.err = plan.message = -1;
  std::vector<std::pair<int*, Result<int>>> wanted;
  if (!command.inherit_stdio) {
    wanted.emplace_back(&plan.in, stdin_of(command, sources));
    wanted.emplace_back(&plan.out, sources.pipe_to(out));
    wanted.emplace_back(&plan.err, sources.pipe_to(err));
  }
  if (message->kind() == Message::Kind::stub)
    wanted.emplace_back(&plan.message, sources.borrow(message->file()));
  for (const auto& step : entry.steps) {
    plan.steps[plan.step_count] = step;
    wanted.emplace_back(&plan.steps[plan.step_count++].fd, sources.borrow(step.fd));
  }
  for (auto& [place, fd] : wanted) {
    if (!fd) return std::unexpected(fd.error());
    *place = *fd;
  }
  // Without credentials of its own the command gets uid 0, gid 0 and no groups: ChildPlan's.
  plan.become = command.credentials || (entry.joins_user && !command.preserve_credentials);
  plan.keep_denied_groups = entry.joins_user && plan.group_count == 0;
  plan.argv = words.argv.data();
  plan.envp = words.envp.data();
  return Ready{std::move(words), std::move(sources), std::move(*message), std::move(out),
               std::move(err)};
}

/// Milliseconds for poll(2), rounded up so that it never wakes too early; -1: no limit.
int poll_timeout(const std::optional<Clock::time_point>& until) {
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, std::numeric_limits<int>::max()));
}

/// When the command's time is over: at once, if it is negative. One beyond the clock's end is none.
std::optional<Clock::time_point> end_of_time(const Command& command) {
  using std::chrono::milliseconds;
  const auto now = Clock::now();
  const auto longest = std::chrono::duration_cast<milliseconds>(Clock::time_point::max() - now);
  if (command.deadline.value_or(milliseconds::max()) > longest) return std::nullopt;
  return now + std::max(*command.deadline, milliseconds(0));
}

/// Reads both streams together until the command's end. 0, or an errno: ETIMEDOUT when the deadline
/// came first. A caller that is cancelled meanwhile unwinds, and ~ChildProcess ends the program.
int collect(const Command& command, const ChildProcess& child, const CancellationHeldOff& held_off,
            detail::Capture& out, detail::Capture& err) {
  const auto until = end_of_time(command);
  bool exited = false;
  const auto over = [&] {
    return exited && (command.until == Command::Until::exit || (out.ended() && err.ended()) ||
                      !child.began_to_execute());
  };
  while (true) {
    std::array<pollfd, 3> events{
        {{out.fd(), POLLIN, 0}, {err.fd(), POLLIN, 0}, {exited ? -1 : child.pidfd(), POLLIN, 0}}};
    const int ready = held_off.let_through(
        [&] { return ::poll(events.data(), events.size(), poll_timeout(until)); });
    // A filter's refusal, or RLIMIT_NOFILE lowered meanwhile: it would never end.
    if (ready < 0 && errno != EINTR) return errno;
    if (ready > 0) {
      exited = exited || events[2].revents != 0;
      // After the exit was seen: what the program wrote is in the pipes, and this takes it.
      out.drain();
      err.drain();
    }
    if (over()) return 0;
    if (until && Clock::now() >= *until) return ETIMEDOUT;
  }
}

/// What the record of a child says that did not become the program.
Error failure(const detail::Record& record, int signal, const Entry& entry,
              const Command& command) {
  const Stage stage = std::min(record.stage, Stage::exec);
  Error error{stage, record.code, command.argv.front() + " in " + entry.target};
  if (record.code == 0) error.signal = signal;
  if (stage == Stage::setns_user || stage == Stage::setns_net || stage == Stage::setns_both) {
    error.operands = entry.target;
    error.note = detail::filter_note(record.code);
  }
  if (stage == Stage::credentials && record.code == EINVAL && !command.credentials) {
    error.note = "its user namespace does not map uid 0 and gid 0";
  }
  return error;
}

detail::Capture capture(Fd pipe, const Command& command, Command::Stream stream) {
  detail::Capture::Sink sink;
  if (command.on_output) {
    sink = [&command, stream](std::string_view bytes) { command.on_output(stream, bytes); };
  }
  return {std::move(pipe), stream == Command::Stream::out ? command.out_limit : command.err_limit,
          std::move(sink)};
}

Result<Finished> execute(const Entry& entry, const Command& command, detail::Words words,
                         const CancellationHeldOff& held_off, Message::Kind kind) {
  auto ready = make_ready(entry, command, std::move(words), kind);
  if (!ready) return std::unexpected(ready.error());
  ChildPlan& plan = ready->message.plan();
  kind = ready->message.kind();
  using Memory = ChildProcess::Memory;
  auto child =
      ChildProcess::start(plan, kind == Message::Kind::copied ? Memory::copied : Memory::shared);
  if (!child) {
    return std::unexpected(
        Error{Stage::clone, child.error(), command.argv.front() + " in " + entry.target});
  }
  ready->sources.close();

  detail::Capture out = capture(std::move(ready->out), command, Command::Stream::out);
  detail::Capture err = capture(std::move(ready->err), command, Command::Stream::err);
  const int given_up = collect(command, *child, held_off, out, err);
  if (given_up != 0) child->kill();
  int signal = 0;
  const auto how = child->wait(signal);
  const detail::Record record = child->record();
  if (kind == Message::Kind::stub && signal == 0 && record.stub_refused != 0) {
    return execute(entry, command, std::move(ready->words), held_off, Message::Kind::copied);
  }
  if (given_up != 0 && (how || record.code == 0)) {
    return std::unexpected(Error{Stage::wait, given_up, command.argv.front()});
  }
  if (!how) return std::unexpected(failure(record, signal, entry, command));
  return Finished{.how = *how,
                  .out = out.take(),
                  .err = err.take(),
                  .out_truncated = out.truncated(),
                  .err_truncated = err.truncated()};
}

Command with_own_streams(Command command) {
  command.inherit_stdio = true;
  return command;
}

Error become(const Entry& entry, const Command& command, detail::Words words) {
  auto ready = make_ready(entry, command, std::move(words), Message::Kind::in_callers_memory);
  if (!ready) return ready.error();
  ChildPlan& plan = ready->message.plan();
  plan.parent = ::getppid();
  if (detail::arrange(plan, false)) detail::enter(plan, false);
  return failure(plan.record, 0, entry, command);
}

}  // namespace

Result<Finished> exec_in_netns(const Target& target, const Command& command) {
  const CancellationHeldOff held_off;
  auto words = detail::prepare(command);
  if (!words) return std::unexpected(words.error());
  const auto netns = Netns::open(target);
  if (!netns) return std::unexpected(netns.error());
  const JoinStep step{netns->fd(), CLONE_NEWNET, Stage::setns_net};
  const Entry entry{{&step, 1}, false, target.to_string()};
  return execute(entry, command, std::move(*words), held_off, memory_for(entry, command));
}

Result<Finished> exec_in_user_netns(const UserTarget& target, const Command& command, Plan plan) {
  const CancellationHeldOff held_off;
  auto words = detail::prepare(command);
  if (!words) return std::unexpected(words.error());
  const auto both = UserNetns::open(target, plan);
  if (!both) return std::unexpected(both.error());
  const Entry entry{both->steps(), both->joins_user(), target.to_string()};
  return execute(entry, command, std::move(*words), held_off, memory_for(entry, command));
}

Error become_in_netns(const Target& target, const Command& command) {
  const Command in_place = with_own_streams(command);
  auto words = detail::prepare(in_place);
  if (!words) return words.error();
  const auto netns = Netns::open(target);
  if (!netns) return netns.error();
  const JoinStep step{netns->fd(), CLONE_NEWNET, Stage::setns_net};
  return become({{&step, 1}, false, target.to_string()}, in_place, std::move(*words));
}

Error become_in_user_netns(const UserTarget& target, const Command& command, Plan plan) {
  const Command in_place = with_own_streams(command);
  auto words = detail::prepare(in_place);
  if (!words) return words.error();
  const auto both = UserNetns::open(target, plan);
  if (!both) return both.error();
  return become({both->steps(), both->joins_user(), target.to_string()}, in_place,
                std::move(*words));
}

}  // namespace nsgate
