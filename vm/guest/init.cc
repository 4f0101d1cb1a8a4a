// SPDX-License-Identifier: Apache-2.0
//
// PID 1 of every guest: makes the initramfs a normal place, runs the tests of the plan one by one,
// reports each in frames, and ends the machine. The lab takes a guest that ends without `bye` for
// one that told nothing, so at every failure init only has to stop.
//
// A guest in which a test left something behind, ran out of time or broke the kernel is retired: it
// ends early, in good order, and the lab runs the rest of the tests in a fresh one.
#include <fcntl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include "frame/plan.h"
#include "frame/splat_start.h"
#include "guest/credentials.h"
#include "guest/give_up.h"
#include "guest/json.h"
#include "guest/kernel_messages.h"
#include "guest/leaks.h"
#include "guest/modules.h"
#include "guest/mounts.h"
#include "guest/port.h"
#include "guest/printing_threads.h"
#include "guest/profile.h"
#include "guest/reaper.h"
#include "guest/shell.h"
#include "guest/slow_factor.h"
#include "guest/test_process.h"

namespace nsgate::guest {
namespace {

/// Reads the plan and removes it: no test, not even one of root, shall find the nonce in a file.
frame::Plan take_plan() {
  const int fd = ::open(frame::plan_path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) give_up(std::string("open ") + frame::plan_path, errno);
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t size;
  while ((size = ::read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  if (size < 0) give_up(std::string("read ") + frame::plan_path, errno);
  ::close(fd);
  if (::unlink(frame::plan_path) != 0) give_up(std::string("unlink ") + frame::plan_path, errno);
  auto plan = frame::parse_plan(text);
  if (!plan) give_up(plan.error());
  return std::move(*plan);
}

std::string hello(const frame::Plan& plan, unsigned slow_thousandths) {
  utsname system{};
  if (::uname(&system) != 0) give_up("uname", errno);
  return "{\"release\":" + quote(system.release) + ",\"user\":" + quote(to_string(plan.user)) +
         ",\"tests\":" + std::to_string(plan.tests.size()) +
         ",\"slow\":" + std::to_string(slow_thousandths) +
         ",\"tainted\":" + std::to_string(taint()) + "}";
}

std::string start(const std::string& test) { return "{\"test\":" + quote(test) + "}"; }

/// What the kernel had to say during a test.
struct KernelState {
  KernelWarnings warnings;
  std::uint64_t tainted = 0;
};

std::string end(const std::string& test, const Outcome& outcome, const KernelState& kernel) {
  const int status = outcome.wait_status;
  const std::string how = WIFEXITED(status) ? "\"exited\":" + std::to_string(WEXITSTATUS(status))
                                            : "\"signaled\":" + std::to_string(WTERMSIG(status));
  return "{\"test\":" + quote(test) + "," + how +
         ",\"microseconds\":" + std::to_string(outcome.duration.count()) +
         ",\"tainted\":" + std::to_string(kernel.tainted) +
         ",\"lost\":" + std::to_string(kernel.warnings.lost) +
         (outcome.timed_out ? ",\"timed_out\":true" : "") +
         (outcome.stuck ? ",\"stuck\":true" : "") + ",\"warnings\":\"" +
         base64(kernel.warnings.text) + "\",\"xml\":\"" + base64(outcome.xml) + "\",\"output\":\"" +
         base64(outcome.output) + "\"}";
}

std::string leak(const std::string& test, const std::string& what) {
  return "{\"test\":" + quote(test) + ",\"what\":\"" + base64(what) + "\"}";
}

/// `retired` is empty when every test of the plan has run.
std::string bye(std::size_t tests, const Port& port, const std::string& retired) {
  return "{\"tests\":" + std::to_string(tests) +
         ",\"frames\":" + std::to_string(port.frames_sent()) + ",\"retired\":" + quote(retired) +
         "}";
}

/// Runs tests and reports them, one by one, until there is no next or one spoilt the guest.
class Session {
 public:
  explicit Session(const frame::Plan& plan) : plan_(plan), port_(plan.nonce) {}

  void run() {
    auto reason = prepare(plan_.user);
    if (!reason) reason = apply(plan_.settings, plan_.user);
    if (reason) {
      port_.send("unavailable", "{\"reason\":" + quote(*reason) + "}");
      port_.drain();
      return;
    }
    // What init and the profile set up is no leak.
    leaks_.emplace();
    port_.send("hello", hello(plan_, slow_));
    if (!plan_.shell.empty()) run_shell(plan_);
    std::string retired;
    for (const auto& test : plan_.tests) {
      retired = run_one(test);
      if (!retired.empty()) break;
    }
    if (ended_ > 0 && !dirty_) {
      const auto left = leaks_->left_behind_at_the_end(leak_patience());
      // Which of the tests it was is not known; the last one that ran stands for all.
      if (!left.empty()) {
        port_.send("leak", leak(plan_.tests[ended_ - 1], "one test of many: " + left));
      }
    }
    port_.send("bye", bye(ended_, port_, retired));
    port_.drain();
    say_last_words();
  }

 private:
  void say_last_words() const {
    // A thread that sleeps again may have printed what came before: only when it has slept once
    // more is the first of the two on the console.
    for (int twice = 0; twice < 2; ++twice) {
      const PrintingThreads threads;
      if (threads.none()) return;
      messages_.mark(frame::last_mark, "");
      threads.wait_until_idle(std::chrono::milliseconds(5000) * slow_ / 1000);
    }
  }

  std::chrono::milliseconds leak_patience() const {
    return std::chrono::milliseconds(10000) * slow_ / 1000;
  }

  /// Why the guest must be retired; empty when it need not.
  std::string run_one(const std::string& test) {
    messages_.mark(frame::start_mark, test);
    port_.send("start", start(test));
    // A test that takes the kernel down must not take the frame along that names it.
    port_.drain();
    const Outcome outcome = run_test(plan_, test, slow_, [this] { port_.send("beat", "{}"); });
    messages_.restore_console();
    const KernelState kernel{.warnings = messages_.take(), .tainted = taint()};
    messages_.mark(frame::end_mark, test);
    port_.send("end", end(test, outcome, kernel));
    ++ended_;
    const bool newly_tainted = kernel.tainted != tainted_;
    tainted_ = kernel.tainted;
    dirty_ = outcome.stuck;
    if (outcome.stuck) return "a process of the test survived SIGKILL for 10 s";
    if (const auto left = leaks_->left_behind(leak_patience()); !left.empty()) {
      port_.send("leak", leak(test, left));
      dirty_ = true;
      return "the test left something behind";
    }
    if (outcome.timed_out) return "the test ran out of time";
    if (kernel.warnings.splat || newly_tainted) return "the kernel complained";
    return {};
  }

  const frame::Plan& plan_;
  Port port_;
  KernelMessages messages_;
  unsigned slow_ = measure_slow_factor();
  std::uint64_t tainted_ = taint();
  std::size_t ended_ = 0;
  bool dirty_ = false;  ///< something is known to be left: a further look would find it again
  std::optional<Leaks> leaks_;
};

[[noreturn]] void run() {
  block_sigchld();
  prepare_root();
  const frame::Plan plan = take_plan();
  load_modules(plan.modules);
  Session(plan).run();
  restart();
}

}  // namespace
}  // namespace nsgate::guest

int main() { nsgate::guest::run(); }
