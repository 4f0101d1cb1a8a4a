// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/kernel_commands.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lab/kernels/kernel_store.h"

namespace nsgate::lab {
namespace {

using Names = std::vector<std::string>;
using Row = std::array<std::string, 7>;

void print_table(const std::vector<Row>& rows) {
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    std::cout << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

const char* pinned(const Kernel& kernel) {
  if (is_own_kernel(kernel.name)) return "-";
  return kernel.unpinned.empty() ? "pinned" : "unpinned";
}

void print_table(const std::vector<KernelStore::Listed>& kernels) {
  const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
  std::vector<Row> rows{{"NAME", "FLAVOUR", "VERSION", "RELEASE", "MODULES", "PINNED", "CACHED"}};
  for (const auto& [kernel, cached] : kernels) {
    rows.push_back({kernel.name, or_dash(kernel.flavour), or_dash(kernel.package_version),
                    or_dash(kernel.release), cached ? std::to_string(kernel.modules.size()) : "-",
                    pinned(kernel), cached ? "yes" : "no"});
  }
  print_table(rows);
}

void print_json(const std::vector<KernelStore::Listed>& kernels) {
  auto document = nlohmann::ordered_json::array();
  for (const auto& [kernel, cached] : kernels) {
    auto modules = nlohmann::ordered_json::array();
    for (const auto& module : kernel.modules) modules.push_back(module.string());
    document.push_back({{"name", kernel.name},
                        {"flavour", kernel.flavour},
                        {"package_version", kernel.package_version},
                        {"release", kernel.release},
                        {"pinned", kernel.unpinned.empty()},
                        {"unpinned", kernel.unpinned},
                        {"cached", cached},
                        {"image", kernel.image.string()},
                        {"image_sha256", kernel.image_sha256},
                        {"config", kernel.config.string()},
                        {"modules", modules},
                        {"absent_modules", kernel.absent_modules}});
  }
  std::cout << document.dump(2) << '\n';
}

std::vector<KernelStore::Listed> ready(const std::vector<Kernel>& kernels) {
  std::vector<KernelStore::Listed> listed;
  for (const auto& kernel : kernels) listed.push_back({kernel, true});
  return listed;
}

/// Runs one command on a freshly opened store and leaves the exit code.
template <typename Work>
void with_store(CommandContext& context, Work work) {
  auto store = KernelStore::open(context.store, [](std::string_view text) { spdlog::info(text); });
  const auto done = store ? work(*store) : Expected<void>(std::unexpected(store.error()));
  if (done) return;
  spdlog::error(done.error().message);
  context.exit = done.error().code;
}

/// The command for names; without any, `all` tells which are meant.
template <typename All, typename Work>
void add_names_command(CLI::App& parent, CommandContext& context, const char* command,
                       const char* what, const char* help, All all, Work work) {
  auto* app = parent.add_subcommand(command, what);
  const auto names = std::make_shared<Names>();
  app->add_option("NAME", *names, help);
  app->callback([&context, names, all, work] {
    with_store(context, [&](KernelStore& store) -> Expected<void> {
      const auto kernels = work(store, names->empty() ? all(store) : *names);
      if (!kernels) return std::unexpected(kernels.error());
      print_table(ready(*kernels));
      return {};
    });
  });
}

}  // namespace

void add_kernel_commands(CLI::App& app, CommandContext& context) {
  auto* kernel = app.add_subcommand("kernel", "The kernels that the lab can boot");
  kernel->require_subcommand(1);

  auto* list = kernel->add_subcommand("list", "Show which kernels are pinned and cached");
  const auto json = std::make_shared<bool>(false);
  list->add_flag("--json", *json, "Print data instead of a table");
  list->callback([&context, json] {
    with_store(context, [&](KernelStore& store) -> Expected<void> {
      const auto kernels = store.list();
      if (!kernels) return std::unexpected(kernels.error());
      *json ? print_json(*kernels) : print_table(*kernels);
      return {};
    });
  });
  add_names_command(
      *kernel, context, "fetch", "Fetch kernels into the cache, as they are pinned",
      "Series such as 6.1-rt; those that `run` boots by default when none is given",
      [](const KernelStore& store) { return store.default_names(); },
      [](KernelStore& store, const Names& names) { return store.fetch(names); });
  add_names_command(
      *kernel, context, "update", "Pin the newest version of each series in the lockfile",
      "Series such as 6.1-rt; all when none is given",
      [](const KernelStore& store) { return store.names(); },
      [](KernelStore& store, const Names& names) { return store.update(names); });
}

}  // namespace nsgate::lab
