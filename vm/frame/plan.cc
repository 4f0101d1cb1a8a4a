// SPDX-License-Identifier: Apache-2.0
#include "frame/plan.h"

#include <charconv>

namespace nsgate::frame {
namespace {

/// "24 80 xterm"
bool set_terminal(Terminal& terminal, std::string_view value) {
  const auto* const end = value.data() + value.size();
  const auto rows = std::from_chars(value.data(), end, terminal.rows);
  if (rows.ec != std::errc{} || rows.ptr == end || *rows.ptr != ' ') return false;
  const auto columns = std::from_chars(rows.ptr + 1, end, terminal.columns);
  if (columns.ec != std::errc{} || columns.ptr == end || *columns.ptr != ' ') return false;
  terminal.type.assign(columns.ptr + 1, end);
  return !terminal.type.empty();
}

bool set(Plan& plan, std::string_view key, std::string_view value) {
  if (key == "nonce") {
    plan.nonce = value;
  } else if (key == "user" && user_of(value)) {
    plan.user = *user_of(value);
  } else if (key == "test_deadline_ms") {
    long long milliseconds = 0;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (error != std::errc{} || end != value.data() + value.size() || milliseconds <= 0) {
      return false;
    }
    plan.test_deadline = std::chrono::milliseconds(milliseconds);
  } else if (key == "module") {
    plan.modules.emplace_back(value);
  } else if (key == "setting") {
    const auto blank = value.find(' ');
    if (blank == 0 || blank == std::string_view::npos || blank + 1 == value.size()) return false;
    plan.settings.push_back({.kind = std::string(value.substr(0, blank)),
                             .value = std::string(value.substr(blank + 1))});
  } else if (key == "environment") {
    const auto equals = value.find('=');
    if (equals == 0 || equals == std::string_view::npos) return false;
    plan.environment.emplace_back(value);
  } else if (key == "program") {
    plan.program = value;
  } else if (key == "test") {
    plan.tests.emplace_back(value);
  } else if (key == "shell") {
    plan.shell = value;
  } else if (key == "terminal") {
    return set_terminal(plan.terminal, value);
  } else {
    return false;
  }
  return !value.empty();
}

}  // namespace

std::string_view to_string(User user) {
  switch (user) {
    case User::root:
      return "root";
    case User::rootless:
      return "rootless";
    case User::nested:
      return "nested";
  }
  return "nobody";
}

std::optional<User> user_of(std::string_view word) {
  for (const auto user : users) {
    if (to_string(user) == word) return user;
  }
  return std::nullopt;
}

std::string encode(const Plan& plan) {
  std::string text = "nonce " + plan.nonce + "\nuser " + std::string(to_string(plan.user)) +
                     "\ntest_deadline_ms " + std::to_string(plan.test_deadline.count()) + "\n";
  for (const auto& module : plan.modules) text += "module " + module + "\n";
  for (const auto& [kind, value] : plan.settings) text += "setting " + kind + ' ' + value + "\n";
  for (const auto& variable : plan.environment) text += "environment " + variable + "\n";
  text += "program " + plan.program + "\n";
  for (const auto& test : plan.tests) text += "test " + test + "\n";
  if (!plan.shell.empty()) {
    text += "shell " + plan.shell + "\nterminal " + std::to_string(plan.terminal.rows) + ' ' +
            std::to_string(plan.terminal.columns) + ' ' + plan.terminal.type + "\n";
  }
  return text;
}

std::expected<Plan, std::string> parse_plan(std::string_view text) {
  Plan plan;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    const auto blank = line.find(' ');
    if (end == std::string_view::npos || blank == std::string_view::npos ||
        !set(plan, line.substr(0, blank), line.substr(blank + 1))) {
      return std::unexpected("line " + std::to_string(number) +
                             " of the plan: " + std::string(line));
    }
    text.remove_prefix(end + 1);
  }
  if (plan.nonce.empty()) return std::unexpected("the plan has no nonce");
  if (plan.program.empty()) return std::unexpected("the plan has no program");
  return plan;
}

}  // namespace nsgate::frame
