// SPDX-License-Identifier: Apache-2.0
#include "alone/report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <sstream>

#include "lab/base/plain_text.h"
#include "lab/report/junit_result.h"
#include "nsgate/version.h"

namespace nsgate::alone {
namespace {

using lab::ExitCode;
using lab::Status;
using lab::TestResult;

std::size_t count(const Results& results, Status status) {
  return static_cast<std::size_t>(std::ranges::count(results.tests, status, &TestResult::status));
}

bool hung(const TestResult& test) {
  return test.status == Status::fail && test.reason.starts_with("no end within");
}

/// Not the lab's words: who runs the program alone has no guests and no cells.
std::string_view word_of(ExitCode code) {
  switch (code) {
    case ExitCode::pass:
      return "pass";
    case ExitCode::fail:
      return "fail";
    case ExitCode::infrastructure:
      return "broken";
    case ExitCode::no_results:
      return "no results";
    case ExitCode::all_skipped:
      return "all skipped";
    case ExitCode::deadline:
      return "hung";
    case ExitCode::could_not_start:
      return "could not start";
    case ExitCode::interrupted:
      return "interrupted";
  }
  return "?";
}

std::string counted(std::size_t number, const std::string& what) {
  return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) all += (all.empty() ? "" : " ") + word;
  return all;
}

std::vector<std::string> ids_of(const Results& results, Standing wanted) {
  std::vector<std::string> ids;
  for (const auto& [id, standing] : standings(results)) {
    if (standing == wanted) ids.push_back(id);
  }
  return ids;
}

std::string failed_behaviours(const Results& results, const Catalogue& catalogue) {
  std::string text;
  for (const auto& id : ids_of(results, Standing::failed)) {
    const auto* const behaviour = catalogue.find(id);
    text += "  " + id + "  " + (behaviour == nullptr ? "" : behaviour->claim) + '\n';
    for (const auto& test : results.tests) {
      const bool bad = test.status == Status::fail || test.status == Status::error;
      if (bad && std::ranges::find(test.behaviours, id) != test.behaviours.end()) {
        text += "        " + test.test + '\n';
      }
    }
  }
  return text;
}

std::string skips(const Results& results) {
  std::map<std::string, std::size_t> reasons;
  for (const auto& test : results.tests) {
    if (test.status == Status::skip) ++reasons[test.reason];
  }
  std::string text;
  for (const auto& [reason, number] : reasons) {
    text += "SKIP " + counted(number, "test") + ": " + lab::plain_text(reason) + '\n';
  }
  return text;
}

}  // namespace

std::map<std::string, Standing> standings(const Results& results) {
  std::map<std::string, Standing> all;
  for (const auto& test : results.tests) {
    for (const auto& id : test.behaviours) {
      auto& standing = all.try_emplace(id, Standing::unproven).first->second;
      if (test.status == Status::fail || test.status == Status::error) {
        standing = Standing::failed;
      } else if (test.status == Status::pass && standing != Standing::failed) {
        standing = Standing::proven;
      }
    }
  }
  return all;
}

std::vector<std::string> missing(const Results& results) {
  const auto found = standings(results);
  std::vector<std::string> ids;
  for (const auto& id : results.required) {
    const auto standing = found.find(id);
    if (standing == found.end() || standing->second != Standing::proven) ids.push_back(id);
  }
  return ids;
}

ExitCode exit_code(const Results& results) {
  if (results.interrupted) return ExitCode::interrupted;
  const auto hangs = static_cast<std::size_t>(std::ranges::count_if(results.tests, hung));
  if (count(results, Status::fail) > hangs) return ExitCode::fail;
  const auto skipped = count(results, Status::skip);
  if (!missing(results).empty() || (results.forbid_skips && skipped > 0)) return ExitCode::fail;
  if (hangs > 0) return ExitCode::deadline;
  if (count(results, Status::error) > 0) return ExitCode::infrastructure;
  if (results.tests.empty()) return ExitCode::no_results;
  return skipped == results.tests.size() ? ExitCode::all_skipped : ExitCode::pass;
}

std::string machine() {
  utsname system{};
  ::uname(&system);
  return std::string(system.sysname) + ' ' + system.release + ", " + system.machine + ", uid " +
         std::to_string(::geteuid());
}

std::string summary(const Results& results, const Catalogue& catalogue, bool colour) {
  std::ostringstream text;
  const auto code = exit_code(results);
  if (const auto failed = failed_behaviours(results, catalogue); !failed.empty()) {
    text << "Behaviours that failed:\n" << failed;
  }
  text << skips(results);
  if (results.forbid_skips && count(results, Status::skip) > 0) text << "No skip is allowed.\n";
  if (const auto ids = missing(results); !ids.empty()) {
    text << "Required, and not proven: " << joined(ids) << '\n';
  }
  if (const auto ids = ids_of(results, Standing::unproven); !ids.empty()) {
    text << counted(ids.size(), "behaviour")
         << " not proven by any test that passed: " << joined(ids) << '\n';
  }
  text << machine() << ": ";
  if (results.interrupted) {
    text << "interrupted after " << results.tests.size() << " of " << counted(results.asked, "test")
         << ": ";
  }
  const auto bad = count(results, Status::error);
  text << count(results, Status::pass) << " passed, " << count(results, Status::fail) << " failed, "
       << (bad > 0 ? std::to_string(bad) + " broken, " : "") << count(results, Status::skip)
       << " skipped; " << counted(ids_of(results, Standing::proven).size(), "behaviour")
       << " proven; ";
  text.precision(1);
  text << std::fixed << std::chrono::duration<double>(results.time).count() << " s; ";
  const char* const start = code == ExitCode::pass   ? "\x1b[32m"
                            : code == ExitCode::fail ? "\x1b[31m"
                                                     : "\x1b[33m";
  text << (colour ? start : "") << word_of(code) << (colour ? "\x1b[0m" : "") << '\n';
  return std::move(text).str();
}

std::string junit(const Results& results) {
  pugi::xml_document document;
  auto root = document.append_child("testsuites");
  auto suite = root.append_child("testsuite");
  suite.append_attribute("name") = lab::junit_text(machine()).c_str();
  suite.append_attribute("tests") = static_cast<unsigned>(results.tests.size());
  suite.append_attribute("failures") = static_cast<unsigned>(count(results, Status::fail));
  suite.append_attribute("errors") = static_cast<unsigned>(count(results, Status::error));
  suite.append_attribute("skipped") = static_cast<unsigned>(count(results, Status::skip));
  suite.append_attribute("time") = lab::junit_seconds(results.time).c_str();
  for (const auto& test : results.tests) lab::add_junit_result(suite, "nsgate", test);
  std::ostringstream text;
  document.save(text, "  ");
  return std::move(text).str();
}

std::string json(const Results& results, const Catalogue& catalogue) {
  using nlohmann::ordered_json;
  constexpr std::array names{"proven", "failed", "unproven"};
  auto tests = ordered_json::array();
  for (const auto& test : results.tests) {
    tests.push_back({{"test", test.test},
                     {"status", lab::to_string(test.status)},
                     {"reason", test.reason},
                     {"behaviours", test.behaviours},
                     {"seconds", std::chrono::duration<double>(test.time).count()}});
  }
  ordered_json behaviours = ordered_json::object();
  for (const auto& [id, standing] : standings(results)) {
    const auto* const behaviour = catalogue.find(id);
    behaviours[id] = {{"standing", names.at(static_cast<std::size_t>(standing))},
                      {"claim", behaviour == nullptr ? "" : behaviour->claim}};
  }
  utsname system{};
  ::uname(&system);
  const auto code = exit_code(results);
  const ordered_json all = {{"nsgate", NSGATE_VERSION},
                            {"kernel", system.release},
                            {"uid", ::geteuid()},
                            {"verdict", word_of(code)},
                            {"exit_code", static_cast<int>(code)},
                            {"seconds", std::chrono::duration<double>(results.time).count()},
                            {"asked", results.asked},
                            {"behaviours", behaviours},
                            {"tests", tests}};
  // What a test printed may be no UTF-8.
  return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace nsgate::alone
