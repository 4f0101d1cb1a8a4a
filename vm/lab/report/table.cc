// SPDX-License-Identifier: Apache-2.0
#include "lab/report/table.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "lab/base/plain_text.h"

namespace nsgate::lab {
namespace {

constexpr std::size_t columns = 11;
using Row = std::array<std::string, columns>;

constexpr std::size_t lines_of_a_message = 8;

std::string counted(std::size_t number, const std::string& what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string label(const CellResult& result) { return plain_text(name_of(result.cell.spec)); }

std::string version(const Kernel& kernel) {
  std::string text = kernel.package_version.empty() ? kernel.release : kernel.package_version;
  if (text.empty()) text = "-";
  return kernel.unpinned.empty() ? text : text + " unpinned";
}

/// What is not as usual.
std::string setting(const CellSpec& spec) {
  std::string text;
  const auto add = [&text](const std::string& value, const std::string& usual) {
    if (value != usual) text += (text.empty() ? "" : " ") + plain_text(value);
  };
  add(spec.profile, default_profile);
  add(spec.userland, default_userland);
  add(spec.payload, default_payload);
  if (spec.shard.of > 1) add(fmt::format("{}/{}", spec.shard.index, spec.shard.of), "");
  return text.empty() ? "-" : text;
}

Row row(const CellResult& result) {
  const auto number = [&result](Status status) { return std::to_string(count(result, status)); };
  return {result.cell.kernel.name,
          version(result.cell.kernel),
          std::string(to_string(result.cell.spec.user)),
          setting(result.cell.spec),
          number(Status::pass),
          number(Status::fail),
          number(Status::error),
          number(Status::miss),
          number(Status::skip),
          to_text(result.time),
          std::string(to_string(result.verdict.code))};
}

std::string coloured(const std::string& text, ExitCode code) {
  const char* const start = code == ExitCode::pass   ? "\x1b[32m"
                            : code == ExitCode::fail ? "\x1b[31m"
                                                     : "\x1b[33m";
  return start + text + "\x1b[0m";
}

std::string grid(const RunResult& run, bool colour) {
  const Row head{"KERNEL", "VERSION", "USER",    "SETTING", "PASSED", "FAILED",
                 "ERRORS", "MISSING", "SKIPPED", "TIME",    "VERDICT"};
  std::array<std::size_t, columns> widths{};
  const auto widen = [&widths](const Row& cells) {
    for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], cells[i].size());
  };
  widen(head);
  for (const auto& cell : run.cells) widen(row(cell));

  constexpr std::size_t first_number = 4;
  const auto line = [&widths](const Row& cells) {
    std::string text;
    for (std::size_t i = 0; i + 1 < columns; ++i) {
      text += i < first_number ? fmt::format("{:<{}}  ", cells[i], widths[i])
                               : fmt::format("{:>{}}  ", cells[i], widths[i]);
    }
    return text;
  };
  std::string text = line(head) + head.back() + '\n';
  for (const auto& cell : run.cells) {
    const auto cells = row(cell);
    text +=
        line(cells) + (colour ? coloured(cells.back(), cell.verdict.code) : cells.back()) + '\n';
  }
  return text;
}

/// The first lines of a message, indented, and how many were left out.
std::string message(const std::string& text) {
  const auto plain = plain_text(text);
  const auto lines = non_empty_lines(plain);
  std::string shown;
  for (std::size_t i = 0; i < std::min(lines.size(), lines_of_a_message); ++i) {
    shown += "    " + std::string(lines[i]) + '\n';
  }
  if (lines.size() > lines_of_a_message) {
    shown +=
        fmt::format("    … {} more lines in results.json\n", lines.size() - lines_of_a_message);
  }
  return shown;
}

std::string behaviours(const TestResult& test) {
  std::string ids;
  for (const auto& id : test.behaviours) ids += (ids.empty() ? "" : " ") + id;
  return ids.empty() ? "" : " [" + plain_text(ids) + "]";
}

std::string reasons(const CellResult& result) {
  std::string text;
  for (const auto& reason : result.verdict.reasons) {
    text +=
        fmt::format("{}: {}\n{}", label(result), to_string(result.verdict.code), message(reason));
  }
  const TestResult* first_missing = nullptr;
  for (const auto& test : result.verdict.tests) {
    if (test.status == Status::fail || test.status == Status::error) {
      text += fmt::format("{}: {} {}{}\n{}", label(result), to_string(test.status), test.test,
                          behaviours(test), message(test.reason));
    } else if (test.status == Status::miss && first_missing == nullptr) {
      first_missing = &test;
    }
  }
  if (first_missing != nullptr) {
    text += fmt::format("{}: MISS {} never ran, the first: {}\n", label(result),
                        counted(count(result, Status::miss), "test"), first_missing->test);
  }
  return text;
}

/// So many reasons, the most frequent ones, are told whole.
constexpr std::size_t told_skips = 6;

std::string skips(const RunResult& run) {
  std::map<std::string, std::pair<std::size_t, std::set<std::string>>> by_reason;
  for (const auto& cell : run.cells) {
    for (const auto& test : cell.verdict.tests) {
      if (test.status != Status::skip) continue;
      auto& [tests, cells] = by_reason[plain_text(test.reason)];
      ++tests;
      cells.insert(label(cell));
    }
  }
  using Group = std::pair<const std::string*, std::size_t>;
  std::vector<Group> groups;
  for (const auto& [reason, found] : by_reason) groups.emplace_back(&reason, found.first);
  std::ranges::sort(groups, [](const Group& a, const Group& b) {
    return a.second != b.second ? a.second > b.second : *a.first < *b.first;
  });
  std::string text;
  std::size_t others = 0;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto& [tests, cells] = by_reason.at(*groups[i].first);
    if (i < told_skips || groups.size() == told_skips + 1) {
      text += fmt::format("SKIP {} in {}: {}\n", counted(tests, "test"),
                          counted(cells.size(), "cell"), *groups[i].first);
      continue;
    }
    others += tests;
    ids.insert(groups[i].first->substr(0, groups[i].first->find(':')));
  }
  // A test of each policy is skipped under every other: told one by one they would hide the rest.
  if (others > 0) {
    text += fmt::format("SKIP {} for other reasons, which the results tell: {}\n",
                        counted(others, "test"), fmt::join(ids, ", "));
  }
  return text;
}

std::string unpinned(const RunResult& run) {
  std::set<std::string> notes;
  for (const auto& cell : run.cells) {
    if (!cell.cell.kernel.unpinned.empty()) {
      notes.insert(cell.cell.kernel.name + ": " + cell.cell.kernel.unpinned + '\n');
    }
  }
  std::string text;
  for (const auto& note : notes) text += note;
  return text;
}

std::string last_line(const RunResult& run) {
  std::map<ExitCode, std::size_t> verdicts;
  for (const auto& cell : run.cells) ++verdicts[cell.verdict.code];
  std::string text;
  for (const auto& [code, cells] : verdicts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", cells, to_string(code));
  }
  return fmt::format("{}: {}; results in {}\n", counted(run.cells.size(), "cell"), text,
                     run.folder.string());
}

}  // namespace

std::string to_text(std::chrono::milliseconds time) {
  return fmt::format("{:.1f} s", std::chrono::duration<double>(time).count());
}

std::string table(const RunResult& run, bool colour) {
  std::string details;
  for (const auto& cell : run.cells) details += reasons(cell);
  details += skips(run) + unpinned(run);
  return grid(run, colour) + (details.empty() ? "" : '\n' + details) + '\n' + last_line(run);
}

}  // namespace nsgate::lab
