// SPDX-License-Identifier: Apache-2.0
//
// Laws: whatever the input, these hold. A failing law prints its seed; RC_PARAMS="reproduce=…"
// replays it.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <span>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/child_process.h"
#include "support/ended.h"
#include "support/exec_ways.h"
#include "support/namespaces.h"
#include "support/open_fds.h"
#include "support/requirements.h"
#include "support/syscall_filter.h"

namespace nsgate::test {
namespace {

// Enough to meet each law's corners, and bearable in an emulated guest. rapidcheck reads the
// variable once, when the first law is checked.
[[maybe_unused]] const int fewer_cases = ::setenv("RC_PARAMS", "max_success=20", 0);

const auto& ways() {
  static const auto made_once = exec_ways();
  return made_once;
}

std::vector<std::string> words_without_nul() {
  const auto byte = rc::gen::nonZero<char>();
  return *rc::gen::container<std::vector<std::string>>(rc::gen::container<std::string>(byte));
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) (text += word) += '\0';
  return text;
}

RC_GTEST_PROP(ExecLaw, ArgumentsSurviveByteForByte, ()) {
  BEHAVIOUR("EX17");
  REQUIRES(userns);
  const auto words = words_without_nul();
  std::vector<std::string> argv{helper(), "args"};
  argv.insert(argv.end(), words.begin(), words.end());
  for (const auto& [way, execute] : ways()) {
    RC_LOG() << way << '\n';
    const auto ended = execute({.argv = argv});
    RC_ASSERT(ended.has_value());
    RC_ASSERT(ended->out == joined(words));
  }
}

RC_GTEST_PROP(ExecLaw, EnvironmentSurvivesByteForByte, ()) {
  BEHAVIOUR("SG07");
  REQUIRES(userns);
  const auto entries = words_without_nul();
  for (const auto& [way, execute] : ways()) {
    RC_LOG() << way << '\n';
    const auto ended = execute({.argv = {helper(), "env"}, .env = entries});
    RC_ASSERT(ended.has_value());
    RC_ASSERT(ended->out == joined(entries));
  }
}

RC_GTEST_PROP(ExecLaw, EveryExitCodeComesBack, ()) {
  BEHAVIOUR("EX05");
  REQUIRES(userns);
  const int code = *rc::gen::inRange(0, 256);
  for (const auto& [way, execute] : ways()) {
    RC_LOG() << way << '\n';
    RC_ASSERT(how_it_ended(execute({.argv = {helper(), "exit", std::to_string(code)}})) ==
              exited(code));
  }
}

RC_GTEST_PROP(ExecLaw, OutputComesBackCompleteOrCutAtTheLimit, ()) {
  BEHAVIOUR("EX13");
  REQUIRES(userns);
  const auto lengths = *rc::gen::container<std::vector<std::pair<bool, std::size_t>>>(
      rc::gen::pair(rc::gen::arbitrary<bool>(), rc::gen::inRange<std::size_t>(0, 100000)));
  const auto limit = *rc::gen::inRange<std::size_t>(0, 400000);
  std::vector<std::string> argv{helper(), "chunks"};
  std::array<std::string, 2> written;
  for (const auto& [to_err, length] : lengths) {
    const auto letter = static_cast<char>('a' + (argv.size() - 2) % 26);
    argv.push_back((to_err ? "e" : "o") + std::to_string(length));
    written[to_err ? 1 : 0].append(length, letter);
  }
  const auto& [out, err] = written;
  for (const auto& [way, execute] : ways()) {
    RC_LOG() << way << '\n';
    const auto ended = execute({.argv = argv, .out_limit = limit, .err_limit = limit});
    RC_ASSERT(how_it_ended(ended) == exited(0));
    RC_ASSERT(ended->out == out.substr(0, limit));
    RC_ASSERT(ended->err == err.substr(0, limit));
    RC_ASSERT(ended->out_truncated == (out.size() > limit));
    RC_ASSERT(ended->err_truncated == (err.size() > limit));
  }
}

RC_GTEST_PROP(ExecLaw, EveryErrnoOfEverySystemCallComesBackWithItsStage, ()) {
  BEHAVIOUR("EX03 FD09");
  const auto [number, stage] = *rc::gen::element(
      std::pair{SYS_pipe2, Stage::pipe}, std::pair{SYS_clone, Stage::clone},
      std::pair{SYS_dup3, Stage::stdio}, std::pair{SYS_close_range, Stage::descriptors},
      std::pair{SYS_execve, Stage::exec});
  const int error = *rc::gen::inRange(1, 134);
  const std::string program = helper();
  for (const auto& [way, execute] : ways()) {
    RC_LOG() << way << ", system call " << number << '\n';
    const auto ended = answer_of_child([&, &run = execute, call = number] {
      if (refuse_syscall(call, error) != 0) return refused(Stage::wait, error);
      return how_it_ended(run({.argv = {program, "exit", "0"}}));
    });
    // Without close_range(2), or with a filter that does not know it, /proc/self/fd is listed.
    const bool done_without = number == SYS_close_range && (error == ENOSYS || error == EPERM);
    RC_ASSERT(ended == (done_without ? exited(0) : refused(stage, error)));
  }
}

/// Something that enters a namespace from wherever its caller is.
struct Step {
  enum class Kind { in_netns, exec_in_netns, exec_in_user_netns, exec_of_nothing } kind;
  std::size_t where;
};
void showValue(const Step& step, std::ostream& out) {
  out << "step of kind " << static_cast<int>(step.kind) << " into " << step.where;
}

class Walk {
 public:
  /// Takes the steps, those after an in_netns inside it. True when each left its caller where it
  /// was and left no descriptor behind.
  bool take(std::span<const Step> steps) const {
    if (steps.empty()) return true;
    const auto before = current_netns();
    const auto userns = current_userns();
    const bool rest = take(steps.front(), steps.subspan(1));
    return rest && current_netns() == before && current_userns() == userns;
  }

 private:
  bool take(const Step& step, std::span<const Step> rest) const {
    const pid_t pid = places_[step.where].pid();
    switch (step.kind) {
      case Step::Kind::in_netns:
        // Without permission the closure does not run.
        return in_netns(Target::process(pid), [&] { return take(rest); }).value_or(true);
      case Step::Kind::exec_in_netns:
        (void)exec_in_netns(Target::process(pid), {.argv = {helper(), "exit", "0"}});
        break;
      case Step::Kind::exec_in_user_netns:
        (void)exec_in_user_netns(UserTarget::process(pid), {.argv = {helper(), "exit", "0"}});
        break;
      case Step::Kind::exec_of_nothing:
        (void)exec_in_user_netns(UserTarget::process(pid), {.argv = {"/no/such/program"}});
        break;
    }
    return take(rest);
  }

  std::array<UserScratch, 3> places_;
};

RC_GTEST_PROP(EntryLaw, LeavesEveryCallerWhereItWasHoweverDeep, ()) {
  BEHAVIOUR("TH08 NC01 NC03 EX12");
  REQUIRES(userns);
  static const Walk walk;
  const auto steps = *rc::gen::resize(
      6, rc::gen::container<std::vector<Step>>(rc::gen::construct<Step>(
             rc::gen::element(Step::Kind::in_netns, Step::Kind::in_netns, Step::Kind::exec_in_netns,
                              Step::Kind::exec_in_user_netns, Step::Kind::exec_of_nothing),
             rc::gen::inRange<std::size_t>(0, 3))));
  const OpenFds before;

  RC_ASSERT(walk.take(steps));
  RC_ASSERT(OpenFds() == before);
}

}  // namespace
}  // namespace nsgate::test
