// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/cache_command.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "lab/cache/cache_archive.h"

namespace nsgate::lab {
namespace {

using Files = std::vector<CacheFile>;

struct Arguments {
  std::string archive;
  bool json = false;
};

std::string total(const Files& files) {
  std::uint64_t bytes = 0;
  for (const auto& file : files) bytes += file.size;
  return fmt::format("{} file{}, {:.1f} MiB", files.size(), files.size() == 1 ? "" : "s",
                     static_cast<double>(bytes) / (1 << 20));
}

void print(const Files& files, const std::filesystem::path& cache, bool json) {
  if (json) {
    auto document = nlohmann::ordered_json::array();
    for (const auto& file : files) document.push_back({{"name", file.name}, {"size", file.size}});
    std::cout << document.dump(2) << '\n';
    return;
  }
  for (const auto& file : files) std::cout << fmt::format("{:>12}  {}\n", file.size, file.name);
  std::cout << total(files) << " in " << cache.string() << '\n';
}

/// Does the work and says `what` was done, or why it was not.
void conclude(CommandContext& context, const Expected<Files>& files, const std::string& what) {
  if (files) {
    spdlog::info("{} {}", what, total(*files));
    return;
  }
  spdlog::error(files.error().message);
  context.exit = files.error().code;
}

}  // namespace

void add_cache_command(CLI::App& app, CommandContext& context,
                       const std::filesystem::path& folder) {
  auto* cache = app.add_subcommand("cache", "The kernels and userlands that this machine keeps");
  cache->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();

  auto* list = cache->add_subcommand("list", "Show what is in the cache");
  list->add_flag("--json", arguments->json, "Print data instead of a table");
  list->callback([&context, arguments, folder] {
    const auto files = cache_files(folder);
    if (files) return print(*files, folder, arguments->json);
    conclude(context, files, {});
  });

  auto* exported = cache->add_subcommand("export", "Write the cache into one file");
  exported->add_option("FILE", arguments->archive, "Such as lab.tar.zst")->required();
  exported->callback([&context, arguments, folder] {
    conclude(context, export_cache(folder, arguments->archive), "exported");
  });

  auto* imported = cache->add_subcommand("import", "Take what another cache exported");
  imported->add_option("FILE", arguments->archive, "What export wrote")->required();
  imported->callback([&context, arguments, folder] {
    conclude(context, import_cache(arguments->archive, folder), "imported");
  });

  auto* clean = cache->add_subcommand("clean", "Remove what is in the cache");
  clean->callback([&context, folder] { conclude(context, clean_cache(folder), "removed"); });
}

}  // namespace nsgate::lab
