// SPDX-License-Identifier: Apache-2.0
#include "model/cast.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <new>
#include <sstream>
#include <system_error>

#include "model/actor.h"
#include "nsgate/fd.h"

namespace nsgate::model {
namespace {

using Clock = std::chrono::steady_clock;

/// Nothing that a step does waits for anybody, so that this is a matter of the machine's speed.
constexpr std::chrono::seconds patience{30};

void must(long result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

/// Of /proc/PID/task/TID/stat; 0 when there is none.
char state_of(pid_t pid, pid_t tid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The name is in parentheses and may hold any byte.
  const auto name = line.rfind(')');
  return name == std::string::npos || name + 2 >= line.size() ? '\0' : line[name + 2];
}

bool ended(char state) { return state == '\0' || state == 'Z' || state == 'X'; }

}  // namespace

struct Cast::Stage_ {
  struct Member {
    pid_t pid;
    int parent;  ///< a place among the members; -1: the director
    std::vector<pid_t> tids;
    std::vector<bool> alive;
    bool reaped = false;
  };

  std::string helper;
  Shared* shared = nullptr;
  Script script{};
  std::vector<Member> members;

  Member& member(int place) { return members[static_cast<std::size_t>(place)]; }
  Cell& cell(int process, int thread) {
    return shared->cells[static_cast<std::size_t>(process)][static_cast<std::size_t>(thread)];
  }

  /// Waits until `over()`, as long as a step may take.
  template <typename Over>
  void await(const char* what, int process, int thread, Over over) {
    const auto until = Clock::now() + patience;
    while (!over()) {
      if (Clock::now() > until) hang(what, process, thread);
    }
  }

  [[noreturn]] void hang(const char* what, int process, int thread) {
    std::ostringstream text;
    text << what << ": " << cell(process, thread).order.step;
    throw Hang(text.str());
  }

  void await_answer(int process, int thread) {
    Cell& its = cell(process, thread);
    await("no end of", process, thread, [&] {
      if (await_turn(its, Cell::directors, 100)) return true;
      const auto& who = member(process);
      if (ended(state_of(who.pid, who.tids[static_cast<std::size_t>(thread)])) &&
          !await_turn(its, Cell::directors, 0)) {
        hang("its actor died of", process, thread);
      }
      return false;
    });
  }

  void tell(int process, int thread, const Order& order) {
    Cell& its = cell(process, thread);
    its.order = order;
    its.done = {};
    give_turn(its, Cell::actors);
  }

  Done ask(int process, int thread, const Order& order) {
    tell(process, thread, order);
    await_answer(process, thread);
    return cell(process, thread).done;
  }

  /// A thread of a member that can be told something; -1: none.
  int some_thread(int process) {
    const auto& alive = member(process).alive;
    for (std::size_t i = 0; i < alive.size(); ++i) {
      if (alive[i]) return static_cast<int>(i);
    }
    return -1;
  }

  /// Waits for one who is not known yet.
  void welcome(int process, int thread, const Step& step) {
    Cell& its = cell(process, thread);
    its.order.step = step;
    await("no beginning of", process, thread,
          [&] { return await_turn(its, Cell::directors, 1000); });
  }

  Done start(const Step& step) {
    const int place = static_cast<int>(members.size());
    cell(place, 0).turn = Cell::actors;
    const pid_t pid = ::fork();
    if (pid == 0) ::nsgate::model::act(script, place, 0);
    must(pid, "fork");
    welcome(place, 0, {});
    members.push_back({.pid = pid, .parent = -1, .tids = {pid}, .alive = {true}});
    if (!step.odd) return {};
    const Step become{.kind = Kind::become_user, .value = step.value, .odd = true};
    return ask(place, 0, {.step = become});
  }

  Done fork(const Step& step) {
    cell(step.made, 0).turn = Cell::actors;
    const Done done = ask(step.process, step.thread, {.step = step});
    if (done.error != 0) return done;
    welcome(step.made, 0, step);
    const pid_t pid = cell(step.made, 0).pid;
    members.push_back({.pid = pid, .parent = step.process, .tids = {pid}, .alive = {true}});
    return done;
  }

  Done new_thread(const Step& step) {
    cell(step.process, step.made).turn = Cell::actors;
    const Done done = ask(step.process, step.thread, {.step = step});
    if (done.error != 0) return done;
    welcome(step.process, step.made, step);
    member(step.process).tids.push_back(cell(step.process, step.made).tid);
    member(step.process).alive.push_back(true);
    return done;
  }

  Done exit_thread(const Step& step) {
    Member& who = member(step.process);
    const pid_t tid = who.tids[static_cast<std::size_t>(step.thread)];
    tell(step.process, step.thread, {.step = step});
    who.alive[static_cast<std::size_t>(step.thread)] = false;
    if (some_thread(step.process) < 0) return await_end(step);
    await("no end of", step.process, step.thread, [&] {
      // A thread that does not lead is reaped by itself; one that leads stays as a zombie.
      return step.thread != 0 ? ::syscall(SYS_tgkill, who.pid, tid, 0) != 0 && errno == ESRCH
                              : ended(state_of(who.pid, tid));
    });
    return {};
  }

  Done exit_process(const Step& step) {
    tell(step.process, step.thread, {.step = step});
    member(step.process).alive.assign(member(step.process).alive.size(), false);
    return await_end(step);
  }

  /// Of the whole process.
  Done await_end(const Step& step) {
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, member(step.process).pid, 0)));
    must(process.get(), "pidfd_open");
    pollfd event{process.get(), POLLIN, 0};
    await("no end of", step.process, step.thread, [&] { return ::poll(&event, 1, 1000) == 1; });
    return {};
  }

  /// By its parent, or by the director when that has ended.
  Done reap(const Step& step) {
    Member& target = member(step.target);
    const Done done = reap(step, target);
    // Its pid may be another's from now on.
    target.reaped = target.reaped || done.error == 0;
    return done;
  }

  Done reap(const Step& step, const Member& target) {
    const int parent = target.parent;
    const int thread = parent < 0 ? -1 : some_thread(parent);
    if (thread >= 0) {
      return ask(parent, thread, {.what = Order::What::reap, .step = step, .pid = target.pid});
    }
    siginfo_t info{};
    const int waited = ::waitid(P_PID, static_cast<id_t>(target.pid), &info, WEXITED | WNOHANG);
    if (waited != 0) return {.error = errno};
    return {.error = info.si_pid == 0 ? EAGAIN : 0};
  }

  Done pass(const Step& step) {
    const Done done = ask(step.process, step.thread, {.step = step});
    if (done.error != 0) return done;
    return ask(step.target, some_thread(step.target), {.what = Order::What::receive, .step = step});
  }
};

Cast::Cast(std::string helper) : stage_(std::make_unique<Stage_>()) {
  Stage_& it = *stage_;
  it.helper = std::move(helper);
  void* const memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(memory == MAP_FAILED ? -1 : 0, "mmap");
  it.shared = new (memory) Shared;
  it.script = {it.shared, it.helper.c_str()};
  must(::prctl(PR_SET_CHILD_SUBREAPER, 1), "PR_SET_CHILD_SUBREAPER");
  std::array<int, 2> ends{};
  must(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  const Fd sender(ends[0]);
  const Fd receiver(ends[1]);
  must(::dup3(sender.get(), sending_end, O_CLOEXEC), "dup3");
  must(::dup3(receiver.get(), receiving_end, O_CLOEXEC), "dup3");
}

Cast::~Cast() {
  clear();
  ::close(sending_end);
  ::close(receiving_end);
  ::munmap(stage_->shared, sizeof(Shared));
}

Done Cast::act(const Step& step) {
  Stage_& it = *stage_;
  switch (step.kind) {
    case Kind::start:
      return it.start(step);
    case Kind::fork:
      return it.fork(step);
    case Kind::new_thread:
      return it.new_thread(step);
    case Kind::exit_thread:
      return it.exit_thread(step);
    case Kind::exit_process:
      return it.exit_process(step);
    case Kind::reap:
      return it.reap(step);
    case Kind::pass:
      return it.pass(step);
    default: {
      const auto& target = it.member(step.target);
      return it.ask(step.process, step.thread,
                    {.step = step,
                     .pid = target.pid,
                     .tid = target.tids[static_cast<std::size_t>(step.target_thread)]});
    }
  }
}

std::vector<Seen> Cast::look() {
  Stage_& it = *stage_;
  std::vector<Seen> seen;
  const auto each = [&](auto visit) {
    for (std::size_t p = 0; p < it.members.size(); ++p) {
      for (std::size_t t = 0; t < it.members[p].alive.size(); ++t) {
        if (it.members[p].alive[t]) visit(static_cast<int>(p), static_cast<int>(t));
      }
    }
  };
  each([&](int p, int t) { it.tell(p, t, {.what = Order::What::look}); });
  each([&](int p, int t) {
    it.await_answer(p, t);
    seen.push_back(it.cell(p, t).seen);
  });
  return seen;
}

void Cast::clear() {
  for (const auto& member : stage_->members) {
    if (!member.reaped) ::kill(member.pid, SIGKILL);
  }
  // Parents come before their children, which become the director's when their parent has ended.
  for (const auto& member : stage_->members) {
    while (!member.reaped && ::waitpid(member.pid, nullptr, __WALL) < 0 && errno == EINTR) {
    }
  }
  stage_->members.clear();
}

}  // namespace nsgate::model
