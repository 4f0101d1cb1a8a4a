// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/allow_list.h"

#include <spdlog/fmt/fmt.h>
#include <toml++/toml.h>

#include <algorithm>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

/// Reads one [[allow]], and says on which line what is wrong.
Expected<AllowRule> read_rule(const std::string& file, const toml::node& node) {
  const auto wrong = [&file](const toml::node& at, const std::string& what) {
    return could_not_start(file + ":" + std::to_string(at.source().begin.line) + ": " + what);
  };
  const auto* const table = node.as_table();
  if (table == nullptr) return wrong(node, "an entry of `allow` is no table");
  for (const auto& [key, value] : *table) {
    const std::string_view name = key.str();
    if (name != "pattern" && name != "reason" && name != "link" && name != "expires" &&
        name != "kernels") {
      return wrong(value, "`" + std::string(name) + "` is unknown");
    }
  }
  AllowRule rule;
  for (const auto& [key, text] :
       {std::pair{"pattern", &rule.pattern}, std::pair{"reason", &rule.reason},
        std::pair{"link", &rule.link}}) {
    *text = (*table)[key].value_or(std::string());
    if (text->empty()) return wrong(node, "`" + std::string(key) + "` is missing or no text");
  }
  const auto expires = (*table)["expires"].value<toml::date>();
  if (!expires) return wrong(node, "`expires` is missing or no date, such as 2027-01-31");
  rule.expires = fmt::format("{:04}-{:02}-{:02}", expires->year, expires->month, expires->day);
  if (const auto* const kernels = (*table)["kernels"].as_array()) {
    for (const auto& kernel : *kernels) {
      const auto name = kernel.value<std::string>();
      if (!name || name->empty()) return wrong(kernel, "`kernels` holds something that is no name");
      rule.kernels.push_back(*name);
    }
  } else if ((*table).contains("kernels")) {
    return wrong(node, "`kernels` is no list");
  }
  try {
    rule.regex = std::regex(rule.pattern);
  } catch (const std::regex_error& error) {
    return wrong(node, "`pattern` is no regular expression: " + std::string(error.what()));
  }
  return rule;
}

/// "6.1" begins 6.1.0 and 6.1-rc2, not 6.12.
bool begins(std::string_view kernel, std::string_view release) {
  if (!release.starts_with(kernel)) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return release.size() == kernel.size() || !is_digit(kernel.back()) ||
         !is_digit(release[kernel.size()]);
}

}  // namespace

Expected<AllowList> AllowList::load(const std::filesystem::path& file) {
  toml::table document;
  try {
    document = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    return could_not_start(file.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                           std::string(error.description()));
  }
  AllowList list;
  for (const auto& [key, value] : document) {
    const auto* const rules = value.as_array();
    if (key.str() != "allow" || rules == nullptr) {
      return could_not_start(file.string() + ":" + std::to_string(value.source().begin.line) +
                             ": `" + std::string(key.str()) + "` is not a list [[allow]]");
    }
    for (const auto& node : *rules) {
      auto rule = read_rule(file.string(), node);
      if (!rule) return std::unexpected(rule.error());
      list.rules_.push_back(std::move(*rule));
    }
  }
  return list;
}

std::string AllowList::why_allowed(const Splat& splat, std::string_view release,
                                   std::string_view today) const {
  for (const auto& rule : rules_) {
    const bool this_kernel =
        rule.kernels.empty() || std::ranges::any_of(rule.kernels, [release](const auto& kernel) {
          return begins(kernel, release);
        });
    if (this_kernel && today <= rule.expires && std::regex_search(splat.title, rule.regex)) {
      return rule.reason + " (" + rule.link + ", until " + rule.expires + ")";
    }
  }
  return {};
}

std::vector<AllowRule> AllowList::expired(std::string_view today) const {
  std::vector<AllowRule> old;
  std::ranges::copy_if(rules_, std::back_inserter(old),
                       [today](const AllowRule& rule) { return rule.expires < today; });
  return old;
}

}  // namespace nsgate::lab
