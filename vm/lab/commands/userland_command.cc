// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/userland_command.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lab/userlands/userland_store.h"

namespace nsgate::lab {
namespace {

struct Arguments {
  std::vector<std::string> names;
  bool json = false;
  bool offline = false;
  bool refresh = false;
};

using Listed = UserlandStore::Listed;

std::string table(const std::vector<Listed>& listed) {
  std::size_t width = 4;
  for (const auto& userland : listed) width = std::max(width, userland.name.size());
  auto text = fmt::format("{:<{}}  {:<10}  {:<6}  {:>8}  {:>8}  READY\n", "NAME", width, "SUITE",
                          "GLIBC", "PACKAGES", "MIB");
  for (const auto& [name, suite, ready] : listed) {
    const bool there = ready && !ready->archive.empty();
    text += fmt::format(
        "{:<{}}  {:<10}  {:<6}  {:>8}  {:>8}  {}\n", name, width, suite.empty() ? "-" : suite,
        there ? ready->glibc : "-", there ? std::to_string(ready->packages.size()) : "-",
        there ? std::to_string(ready->unpacked_bytes >> 20) : "-", ready ? "yes" : "no");
  }
  return text;
}

std::string data(const std::vector<Listed>& listed) {
  auto document = nlohmann::ordered_json::array();
  for (const auto& [name, suite, ready] : listed) {
    const auto userland = ready.value_or(Userland{});
    document.push_back({{"name", name},
                        {"suite", suite},
                        {"ready", ready.has_value()},
                        {"archive", userland.archive.string()},
                        {"sha256", userland.sha256},
                        {"unpacked_bytes", userland.unpacked_bytes},
                        {"glibc", userland.glibc},
                        {"unmet", userland.unmet},
                        {"packages", userland.packages}});
  }
  return document.dump(2) + '\n';
}

Expected<std::vector<Listed>> build(UserlandStore& store, const Arguments& arguments) {
  std::vector<Listed> built;
  for (const auto& name : arguments.names.empty() ? store.names() : arguments.names) {
    auto userland = arguments.refresh ? store.rebuild(name) : store.obtain(name);
    if (!userland) return std::unexpected(std::move(userland.error()));
    built.push_back({.name = name, .suite = {}, .ready = std::move(*userland)});
  }
  const auto known = store.list();
  if (!known) return std::unexpected(known.error());
  for (auto& entry : built) {
    const auto found = std::ranges::find(*known, entry.name, &Listed::name);
    if (found != known->end()) entry.suite = found->suite;
  }
  return built;
}

/// Runs one command on a freshly opened store, prints what it gives and leaves the exit code.
template <typename Work>
void with_store(CommandContext& context, const Arguments& arguments, Work work) {
  auto options = context.userlands;
  options.offline = options.offline || arguments.offline;
  auto store = UserlandStore::open(options, [](std::string_view text) { spdlog::info(text); });
  const Expected<std::vector<Listed>> listed =
      store ? work(*store) : Expected<std::vector<Listed>>(std::unexpected(store.error()));
  if (listed) {
    std::cout << (arguments.json ? data(*listed) : table(*listed));
    return;
  }
  spdlog::error(listed.error().message);
  context.exit = listed.error().code;
}

}  // namespace

void add_userland_command(CLI::App& app, CommandContext& context) {
  auto* userland = app.add_subcommand("userland", "The userlands that tests can run on");
  userland->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();

  auto* list = userland->add_subcommand("list", "Show which userlands there are");
  list->add_flag("--json", arguments->json, "Print data, with the packages, instead of a table");
  list->callback([&context, arguments] {
    with_store(context, *arguments, [](UserlandStore& store) { return store.list(); });
  });

  auto* built = userland->add_subcommand("build", "Put userlands into the cache");
  built->add_option("NAME", arguments->names,
                    "Name such as trixie, or path of a directory or tar; all when none is given");
  built->add_flag("--json", arguments->json, "Print data, with the packages, instead of a table");
  auto* offline = built->add_flag("--offline", arguments->offline, "Never use the network");
  built->add_flag("--refresh", arguments->refresh, "Build anew, with the packages of today")
      ->excludes(offline);
  built->callback([&context, arguments] {
    with_store(context, *arguments, [&](UserlandStore& store) { return build(store, *arguments); });
  });
}

}  // namespace nsgate::lab
