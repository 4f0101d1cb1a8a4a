// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/guest_verdict.h"

#include <algorithm>
#include <array>

namespace nsgate::lab {
namespace {

std::string with_last_words(const std::string& what, const KernelLog& kernel) {
  return what + (kernel.last_words.empty() ? "\nthe console is empty"
                                           : "\nlast console line: " + kernel.last_words);
}

/// Why the guest's word cannot be taken as complete; nothing when it can.
std::optional<Failure> fault_of_guest(const GuestEvidence& evidence) {
  const auto& [tests, reader, kernel, ended_by_lab, qemu_fault] = evidence;
  if (ended_by_lab) {
    return Failure{ended_by_lab->code, with_last_words(ended_by_lab->message, kernel)};
  }
  std::string broken = qemu_fault.value_or("");
  if (reader.error()) broken += (broken.empty() ? "" : "\n") + *reader.error();
  // A panic ends a guest without a bye, and is the better reason of the two.
  if (broken.empty() && !reader.complete() && kernel.panic.empty()) {
    broken = "the guest ended without a bye";
  }
  if (!broken.empty()) return Failure{ExitCode::infrastructure, with_last_words(broken, kernel)};
  if (!kernel.to_the_end && kernel.panic.empty()) {
    const auto cut =
        "the console was not kept to its end, so that a broken kernel would go unseen: is the disk "
        "full, or the kernel built without CONFIG_SERIAL_8250_CONSOLE?";
    return Failure{ExitCode::infrastructure, with_last_words(cut, kernel)};
  }
  return std::nullopt;
}

/// The result of a test that has no end: `fault` stopped it, or a panic, or it never started.
TestResult unfinished(const std::string& test, bool running, const GuestEvidence& evidence,
                      const std::optional<Failure>& fault) {
  TestResult result;
  result.test = test;
  if (evidence.reader.unavailable()) {
    result.status = Status::skip;
    result.reason = "unavailable: " + *evidence.reader.unavailable();
  } else if (!running) {
    result.reason = "never ran";
  } else if (fault && fault->code == ExitCode::interrupted) {
    result.reason = "interrupted";
  } else if (!evidence.kernel.panic.empty()) {
    result.status = Status::fail;
    result.reason = evidence.kernel.panic;
  } else {
    result.status = Status::error;
    const auto why = fault ? fault->message : "the guest ended";
    result.reason = "was running when: " + why.substr(0, why.find('\n'));
  }
  return result;
}

/// Whatever it was becomes a failure; a failure has one reason more.
void blame(TestResult& test, const std::string& reason) {
  if (test.status != Status::fail && test.status != Status::error) test.reason.clear();
  test.status = Status::fail;
  test.reason += (test.reason.empty() ? "" : "\n") + reason;
}

TestResult* find(std::vector<TestResult>& tests, const std::string& name) {
  const auto found = std::ranges::find(tests, name, &TestResult::test);
  return found == tests.end() ? nullptr : &*found;
}

/// Whether `splat` of the console is one that init read at the end of `test`: during it, or since
/// the end of the test before, `previous`.
bool since_end_of(const std::string& previous, const std::string& test, const Splat& splat) {
  if (splat.test == test) return true;
  return splat.test == previous && (splat.late || previous.empty());
}

/// What /dev/kmsg told and the console did not: its level may have been lowered.
std::vector<Splat> with_unheard(std::vector<Splat> splats, const std::vector<TestEnd>& ended) {
  std::string previous;
  for (const auto& end : ended) {
    for (auto splat : read_kernel_log(end.warnings).splats) {
      const bool heard = std::ranges::any_of(splats, [&](const Splat& other) {
        return other.title == splat.title && since_end_of(previous, end.test, other);
      });
      if (heard) continue;
      splat.test = end.test;
      splats.push_back(std::move(splat));
    }
    previous = end.test;
  }
  return splats;
}

/// The taint flags that tell of a broken kernel, by their bits
/// (Documentation/admin-guide/tainted-kernels.rst); the others tell of modules and drivers.
struct Taint {
  unsigned bit;
  const char* name;
};
constexpr std::array broken_kernel = {Taint{4, "M (machine check)"}, Taint{5, "B (bad page)"},
                                      Taint{7, "D (oops)"}, Taint{9, "W (warning)"},
                                      Taint{14, "L (soft lockup)"}};

/// Whether a splat may be what set the flag. One that does not count must not hide another, graver
/// fault: a warning sets W, and only an oops sets D.
bool explains(const Splat& splat, const Taint& taint) {
  constexpr unsigned warning = 9;
  if (taint.bit == warning || splat.allowed.empty()) return true;
  return std::ranges::none_of(
      std::array{"WARNING:", "INFO:", "refcount_t:", "ref_tracker:", "unregister_netdevice:"},
      [&splat](const char* harmless) { return splat.title.starts_with(harmless); });
}

/// A test during which the kernel became tainted fails, unless a splat says why: then that decides.
void judge_taints(const FrameReader& reader, GuestVerdict& verdict) {
  auto before = reader.hello() ? reader.hello()->tainted : 0;
  std::string previous;
  for (const auto& end : reader.ended()) {
    std::string names;
    for (const auto& taint : broken_kernel) {
      if ((end.tainted & ~before & std::uint64_t{1} << taint.bit) == 0) continue;
      const bool explained = std::ranges::any_of(verdict.splats, [&](const Splat& splat) {
        return since_end_of(previous, end.test, splat) && explains(splat, taint);
      });
      if (!explained) names += (names.empty() ? "" : ", ") + std::string(taint.name);
    }
    before = end.tainted;
    previous = end.test;
    if (names.empty()) continue;
    blame(*find(verdict.tests, end.test), "the kernel became tainted without a word: " + names);
  }
}

/// Where the kernel's log was overwritten before init read it, the console may be whole or
/// silenced.
void judge_losses(const FrameReader& reader, GuestVerdict& verdict) {
  for (const auto& end : reader.ended()) {
    if (end.lost == 0) continue;
    auto& test = *find(verdict.tests, end.test);
    const std::string unread =
        "the kernel's log was overwritten unread, so that a warning may have gone unseen";
    if (test.status == Status::fail) {
      blame(test, unread);
    } else {
      test.status = Status::error;
      test.reason = unread;
    }
  }
}

void judge_splats(const GuestEvidence& evidence, GuestVerdict& verdict) {
  for (const auto& splat : verdict.splats) {
    if (!splat.allowed.empty()) continue;
    const auto said =
        (splat.late ? "after it had ended, the kernel said: " : "the kernel said: ") + splat.title;
    if (auto* const test = find(verdict.tests, splat.test)) {
      blame(*test, said);
    } else {
      // Before the first test, a broken kernel says that there is no verdict, not that one failed.
      const bool started = !evidence.reader.ended().empty() || evidence.reader.running() != nullptr;
      verdict.faults.push_back(started ? ExitCode::fail : ExitCode::infrastructure);
      verdict.reasons.push_back("the kernel said: " + splat.title);
    }
  }
}

void judge_panic(const GuestEvidence& evidence, GuestVerdict& verdict) {
  // The test that was running carries it already.
  if (evidence.kernel.panic.empty() || evidence.reader.running() != nullptr) return;
  verdict.faults.push_back(evidence.reader.ended().empty() ? ExitCode::infrastructure
                                                           : ExitCode::fail);
  verdict.reasons.push_back(evidence.kernel.panic);
}

std::optional<std::size_t> resume_at(const GuestEvidence& evidence,
                                     const std::optional<Failure>& fault) {
  const auto& reader = evidence.reader;
  const bool spoilt = fault || !evidence.kernel.panic.empty() || !reader.retired().empty();
  if (!spoilt || reader.unavailable() || !reader.hello()) return std::nullopt;
  const auto behind = reader.ended().size() + (reader.running() != nullptr ? 1 : 0);
  // Without one test done, the next guest would come no further than this one.
  if (behind == 0 || behind >= evidence.tests.size()) return std::nullopt;
  return behind;
}

}  // namespace

GuestVerdict judge_guest(const GuestEvidence& evidence, const Judgement& judgement) {
  const auto& ended = evidence.reader.ended();
  const auto fault = fault_of_guest(evidence);

  GuestVerdict verdict;
  for (std::size_t i = 0; i < evidence.tests.size(); ++i) {
    const bool running = i == ended.size() && evidence.reader.running() != nullptr;
    verdict.tests.push_back(i < ended.size()
                                ? judge_test(ended[i], judgement)
                                : unfinished(evidence.tests[i], running, evidence, fault));
  }
  verdict.splats = with_unheard(evidence.kernel.splats, ended);
  if (judgement.allow) {
    for (auto& splat : verdict.splats) splat.allowed = judgement.allow(splat);
  }
  judge_taints(evidence.reader, verdict);
  judge_splats(evidence, verdict);
  judge_panic(evidence, verdict);
  for (const auto& leak : evidence.reader.leaks()) {
    blame(*find(verdict.tests, leak.test), "left behind: " + leak.what);
  }
  // Last, so that what is known to have failed does not become a mere error.
  judge_losses(evidence.reader, verdict);
  if (fault) {
    verdict.faults.push_back(fault->code);
    verdict.reasons.push_back(fault->message);
  }
  verdict.resume_at = resume_at(evidence, fault);
  verdict.unavailable = evidence.reader.unavailable().has_value();
  return verdict;
}

}  // namespace nsgate::lab
