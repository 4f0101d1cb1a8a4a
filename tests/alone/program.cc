// SPDX-License-Identifier: Apache-2.0
#include "alone/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "alone/catalogue.h"
#include "alone/options.h"
#include "alone/report.h"
#include "alone/selection.h"
#include "alone/test_process.h"
#include "lab/base/failure.h"
#include "lab/base/plain_text.h"
#include "lab/report/ktap_result.h"
#include "lab/verdict/verdict.h"

namespace nsgate::alone {
namespace {

using lab::ExitCode;
using lab::Status;
using lab::TestResult;

int give_up(const std::string& why) {
  std::cerr << "nsgate-tests: " << why << '\n';
  return static_cast<int>(ExitCode::could_not_start);
}

int run_as_googletest(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (argc > 1) {
    return give_up(std::string(argv[1]) + " is no option of GoogleTest, and was given beside one");
  }
  return RUN_ALL_TESTS();
}

bool colours(int fd) {
  const char* const off = std::getenv("NO_COLOR");
  return ::isatty(fd) == 1 && (off == nullptr || *off == '\0');
}

// ---- The list ----

std::vector<std::string> tests_of(const std::string& id, const std::vector<test::Proof>& proofs) {
  std::vector<std::string> tests;
  for (const auto& proof : proofs) {
    if (std::ranges::find(proof.ids, id) != proof.ids.end()) tests.push_back(proof.test);
  }
  return tests;
}

std::string list_as_json(const Catalogue& catalogue, const std::vector<test::Proof>& proofs) {
  auto all = nlohmann::ordered_json::array();
  for (const auto& behaviour : catalogue.behaviours) {
    nlohmann::ordered_json one = {{"id", behaviour.id},
                                  {"claim", behaviour.claim},
                                  {"kernels", behaviour.kernels},
                                  {"source", behaviour.source},
                                  {"modes", behaviour.modes}};
    if (!behaviour.profiles.empty()) one["profiles"] = behaviour.profiles;
    if (!behaviour.left_out.empty()) one["left_out"] = behaviour.left_out;
    one["tests"] = tests_of(behaviour.id, proofs);
    all.push_back(std::move(one));
  }
  return all.dump(2) + '\n';
}

std::string list_as_table(const Catalogue& catalogue, const std::vector<test::Proof>& proofs) {
  std::ostringstream text;
  text << "ID    TESTS  CLAIM\n";
  for (const auto& behaviour : catalogue.behaviours) {
    const auto left_out =
        behaviour.left_out.empty() ? "" : " (left out: " + behaviour.left_out + ")";
    text << behaviour.id << std::setw(7) << tests_of(behaviour.id, proofs).size() << "  "
         << behaviour.claim << left_out << '\n';
  }
  return std::move(text).str();
}

bool write(const std::string& file, const std::string& text) {
  if (file == "-") return static_cast<bool>(std::cout << text << std::flush);
  return static_cast<bool>(std::ofstream(file) << text << std::flush);
}

int check(const Catalogue& catalogue, const std::vector<test::Proof>& proofs) {
  auto wrong = catalogue.problems;
  const auto disagreeing = discrepancies(catalogue, proofs, all_tests());
  wrong.insert(wrong.end(), disagreeing.begin(), disagreeing.end());
  for (const auto& line : wrong) std::cout << line << '\n';
  std::cerr << "nsgate-tests: " << catalogue.behaviours.size() << " behaviours, "
            << all_tests().size() << " tests, " << wrong.size() << " discrepancies\n";
  return static_cast<int>(wrong.empty() ? ExitCode::pass : ExitCode::fail);
}

// ---- The run ----

/// Why the program cannot be run from where it lies, if so.
std::optional<std::string> fault_of_place() {
  const auto program = own_program();
  for (const char* part : {"nsgate_helper", "nsgate-enter-static"}) {
    const auto path = program.parent_path() / part;
    if (::access(path.c_str(), X_OK) != 0) {
      return path.string() + " is missing: the programs of the folder belong together";
    }
  }
  if (::geteuid() != 0) return std::nullopt;
  // As root, tests become other users, which execute what lies beside.
  for (auto folder = program.parent_path(); folder != folder.root_path();
       folder = folder.parent_path()) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0 && (status.st_mode & S_IXOTH) == 0) {
      return folder.string() +
             " is closed to other users, as which some tests run programs: copy " +
             program.parent_path().string() + " to where everybody may execute, such as /opt";
    }
  }
  return std::nullopt;
}

/// Tells a person how it goes.
class Progress {
 public:
  Progress(const Options& options, std::size_t asked)
      : verbose_(options.verbose),
        // Whatever has stdout for itself leaves the talk to stderr.
        out_(options.ktap || options.json == "-" || options.junit == "-" ? std::cerr : std::cout),
        colour_(colours(&out_ == &std::cout ? STDOUT_FILENO : STDERR_FILENO)),
        live_(::isatty(STDERR_FILENO) == 1),
        asked_(asked) {}

  bool colour() const { return colour_; }
  std::ostream& out() { return out_; }

  void started(std::size_t number, const std::string& test) {
    if (live_) {
      std::cerr << '\r' << clear << '[' << number << '/' << asked_ << "] " << test << std::flush;
    }
  }

  void ended(const TestResult& result) {
    if (live_) std::cerr << '\r' << clear << std::flush;
    const bool good = result.status == Status::pass || result.status == Status::skip;
    if (good && !verbose_) return;
    const char* const start = good ? "" : "\x1b[31m";
    out_ << (colour_ ? start : "") << lab::to_string(result.status) << (colour_ ? "\x1b[0m" : "")
         << ' ' << result.test;
    if (!result.behaviours.empty()) out_ << " [";
    for (const auto& id : result.behaviours) {
      out_ << (&id == &result.behaviours.front() ? "" : " ") << id;
    }
    if (!result.behaviours.empty()) out_ << ']';
    out_ << '\n';
    const auto reason = lab::plain_text(result.reason);
    for (const auto line : lab::non_empty_lines(reason)) out_ << "    " << line << '\n';
    out_ << std::flush;
  }

 private:
  static constexpr const char* clear = "\x1b[K";
  bool verbose_;
  std::ostream& out_;
  bool colour_;
  bool live_;
  std::size_t asked_;
};

TestResult judged(const Ran& ran, std::chrono::milliseconds deadline) {
  lab::Judgement judgement;
  judgement.any_need = true;
  judgement.test_deadline = deadline;
  return lab::judge_test(ran.end, judgement);
}

Results run_all(const std::vector<std::string>& tests, const Options& options,
                const std::vector<test::Proof>& proofs, Progress& progress) {
  Results results;
  results.asked = tests.size();
  results.forbid_skips = options.forbid_skips;
  const auto started = std::chrono::steady_clock::now();
  if (options.ktap) std::cout << "KTAP version 1\n1.." << tests.size() << '\n' << std::flush;
  for (const auto& test : tests) {
    progress.started(results.tests.size() + 1, test);
    const auto ran = run_test(test, options.deadline);
    if (ran && ran->interrupted) {
      results.interrupted = true;
      break;
    }
    TestResult result;
    if (ran) {
      result = judged(*ran, options.deadline);
    } else {
      result = {test, Status::error, ran.error(), {}, {}, {}};
    }
    // Also of one that did not live to record them.
    for (const auto& proof : proofs) {
      if (proof.test == test) result.behaviours = proof.ids;
    }
    progress.ended(result);
    results.tests.push_back(std::move(result));
    if (options.ktap) {
      std::cout << lab::ktap_result(results.tests.back(), results.tests.size()) << std::flush;
    }
  }
  if (options.ktap && results.interrupted) std::cout << "Bail out! interrupted\n" << std::flush;
  results.time = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - started);
  return results;
}

int run(const Options& options, const Catalogue& catalogue,
        const std::vector<test::Proof>& proofs) {
  const auto tests = select_tests(options, catalogue, proofs);
  if (!tests) return give_up(tests.error());
  const auto required = required_ids(options, catalogue);
  if (!required) return give_up(required.error());
  if (const auto fault = fault_of_place()) return give_up(*fault);
  for (const auto& file : {options.json, options.junit}) {
    // Now rather than after minutes.
    if (file && *file != "-" && !std::ofstream(*file)) return give_up("cannot write " + *file);
  }
  prepare_to_run_tests();
  Progress progress(options, tests->size());
  auto results = run_all(*tests, options, proofs, progress);
  results.required = *required;
  progress.out() << summary(results, catalogue, progress.colour()) << std::flush;
  bool written = true;
  if (options.json) written &= write(*options.json, json(results, catalogue));
  if (options.junit) written &= write(*options.junit, junit(results));
  if (!written || !std::cout) {
    std::cerr << "nsgate-tests: the results could not be written\n";
    return static_cast<int>(ExitCode::infrastructure);
  }
  return static_cast<int>(exit_code(results));
}

}  // namespace

int main(int argc, char** argv) {
  if (is_for_googletest(argc, argv)) return run_as_googletest(argc, argv);
  const auto options = read_options(argc, argv);
  if (!options) return options.error();
  // Tests with parameters are known from here on.
  int no_arguments = 1;
  testing::InitGoogleMock(&no_arguments, argv);

  const auto catalogue = read_catalogue(catalogue_text());
  const auto proofs = test::proofs();
  if (options->check) return check(catalogue, proofs);
  if (!catalogue.problems.empty()) return give_up("its catalogue: " + catalogue.problems.front());
  if (!options->list) return run(*options, catalogue, proofs);
  const auto list =
      options->json ? list_as_json(catalogue, proofs) : list_as_table(catalogue, proofs);
  if (!write(options->json.value_or("-"), list)) return give_up("cannot write the list");
  return 0;
}

}  // namespace nsgate::alone
