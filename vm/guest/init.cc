// SPDX-License-Identifier: Apache-2.0
//
// PID 1 of every guest: makes the initramfs a normal place, runs the tests of the plan one by one,
// reports each in frames, and ends the machine. The lab takes a guest that ends without `bye` for
// one that told nothing, so at every failure init only has to stop.
#include <fcntl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "frame/plan.h"
#include "guest/give_up.h"
#include "guest/json.h"
#include "guest/modules.h"
#include "guest/mounts.h"
#include "guest/port.h"
#include "guest/reaper.h"
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

std::string hello(const frame::Plan& plan) {
  utsname system{};
  if (::uname(&system) != 0) give_up("uname", errno);
  return "{\"release\":" + quote(system.release) + ",\"user\":" + quote(to_string(plan.user)) +
         ",\"tests\":" + std::to_string(plan.tests.size()) + "}";
}

std::string start(const std::string& test) { return "{\"test\":" + quote(test) + "}"; }

std::string end(const std::string& test, const Outcome& outcome) {
  const int status = outcome.wait_status;
  const std::string how = WIFEXITED(status) ? "\"exited\":" + std::to_string(WEXITSTATUS(status))
                                            : "\"signaled\":" + std::to_string(WTERMSIG(status));
  return "{\"test\":" + quote(test) + "," + how +
         ",\"microseconds\":" + std::to_string(outcome.duration.count()) +
         (outcome.timed_out ? ",\"timed_out\":true" : "") +
         (outcome.stuck ? ",\"stuck\":true" : "") + ",\"xml\":\"" + base64(outcome.xml) +
         "\",\"output\":\"" + base64(outcome.output) + "\"}";
}

std::string bye(const frame::Plan& plan, const Port& port) {
  return "{\"tests\":" + std::to_string(plan.tests.size()) +
         ",\"frames\":" + std::to_string(port.frames_sent()) + "}";
}

[[noreturn]] void run() {
  block_sigchld();
  prepare_root();
  const frame::Plan plan = take_plan();
  load_modules(plan.modules);
  Port port(plan.nonce);
  port.send("hello", hello(plan));
  for (const auto& test : plan.tests) {
    port.send("start", start(test));
    // A test that takes the kernel down must not take the frame along that names it.
    port.drain();
    const Outcome outcome = run_test(plan, test, [&port] { port.send("beat", "{}"); });
    port.send("end", end(test, outcome));
    if (outcome.stuck) {
      port.drain();
      give_up("10 s after SIGKILL, a process of " + test + " is still there");
    }
  }
  port.send("bye", bye(plan, port));
  port.drain();
  restart();
}

}  // namespace
}  // namespace nsgate::guest

int main() { nsgate::guest::run(); }
