// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/userland_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/base/plain_text.h"
#include "lab/userlands/mmdebstrap.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

/// Counts up when the same packages or files would give other bytes, or are described otherwise.
constexpr const char* format_version = "1";

bool is_path(const std::string& name) { return name.find('/') != std::string::npos; }

/// All that decides what is built, but for what the mirror has at the time.
std::string text_of(const UserlandRecipe& recipe) {
  std::string text = std::string("format ") + format_version + "\nsuite " + recipe.suite +
                     "\nsecurity " + recipe.security_suite + '\n';
  for (const auto& package : recipe.packages) text += "package " + package + '\n';
  for (const auto& excluded : recipe.excluded) text += "exclude " + excluded + '\n';
  return text;
}

std::string key_of(const UserlandRecipe& recipe) { return cache_key(recipe.name, text_of(recipe)); }

/// What changes when a file does: st_ctim does whatever is done to it.
Expected<std::string> look_of(const fs::path& file) {
  struct stat about {};
  if (::lstat(file.c_str(), &about) != 0) {
    return could_not_start("cannot look at " + file.string() + ": " + std::strerror(errno));
  }
  return file.string() + ' ' + std::to_string(about.st_dev) + ':' + std::to_string(about.st_ino) +
         ' ' + std::to_string(about.st_size) + ' ' + std::to_string(about.st_ctim.tv_sec) + '.' +
         std::to_string(about.st_ctim.tv_nsec) + '\n';
}

/// Of everything below, too.
Expected<std::string> look_of_all(const fs::path& source) {
  auto text = look_of(source);
  std::error_code error;
  if (!text || !fs::is_directory(source, error)) return text;
  std::vector<fs::path> entries;
  for (auto it = fs::recursive_directory_iterator(source, error); !error && it != fs::end(it);
       it.increment(error)) {
    entries.push_back(it->path());
  }
  if (error) return could_not_start("cannot read " + source.string() + ": " + error.message());
  std::ranges::sort(entries);
  for (const auto& entry : entries) {
    const auto more = look_of(entry);
    if (!more) return more;
    *text += *more;
  }
  return text;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto line : non_empty_lines(text)) lines.emplace_back(line);
  return lines;
}

}  // namespace

Expected<UserlandStore> UserlandStore::open(Options options, Progress progress) {
  auto catalogue = load_userland_catalogue(options.catalogue);
  if (!catalogue) return std::unexpected(std::move(catalogue.error()));
  return UserlandStore(std::move(options), std::move(progress), std::move(*catalogue));
}

UserlandStore::UserlandStore(Options options, Progress progress,
                             std::vector<UserlandRecipe> catalogue)
    : options_(std::move(options)),
      progress_(std::move(progress)),
      catalogue_(std::move(catalogue)),
      cache_(options_.cache) {
  for (const auto& recipe : catalogue_) names_.push_back(recipe.name);
}

Expected<const UserlandRecipe*> UserlandStore::find(const std::string& name) const {
  const auto found = std::ranges::find(catalogue_, name, &UserlandRecipe::name);
  if (found != catalogue_.end()) return &*found;
  std::string known;
  for (const auto& other : names_) known += (known.empty() ? "" : ", ") + other;
  return could_not_start("no userland is named " + name + ": there are " + known +
                         ", and the path of a directory or tar needs a slash, as in ./" + name);
}

Expected<std::vector<UserlandStore::Listed>> UserlandStore::list() const {
  std::vector<Listed> listed;
  for (const auto& recipe : catalogue_) {
    Listed entry{.name = recipe.name, .suite = recipe.suite, .ready = std::nullopt};
    if (recipe.suite.empty()) {
      entry.ready = Userland{.name = recipe.name, .unmet = recipe.unmet};
    } else {
      auto held = cache_.look(key_of(recipe), text_of(recipe));
      if (!held) return std::unexpected(std::move(held.error()));
      entry.ready = std::move(*held);
    }
    listed.push_back(std::move(entry));
  }
  return listed;
}

Expected<Userland> UserlandStore::obtain(const std::string& name) {
  if (is_path(name)) return own(name);
  const auto recipe = find(name);
  if (!recipe) return std::unexpected(recipe.error());
  return of_suite(**recipe, false);
}

Expected<Userland> UserlandStore::rebuild(const std::string& name) {
  const auto recipe = find(name);
  if (!recipe) return std::unexpected(recipe.error());
  return of_suite(**recipe, true);
}

Expected<Userland> UserlandStore::of_suite(const UserlandRecipe& recipe, bool again) {
  if (recipe.suite.empty()) return Userland{.name = recipe.name, .unmet = recipe.unmet};
  const auto key = key_of(recipe);
  const auto text = text_of(recipe);
  if (!again) {
    auto held = cache_.look(key, text);
    if (!held) return std::unexpected(std::move(held.error()));
    if (*held) return std::move(**held);
  }
  if (options_.offline) {
    return could_not_start("the userland " + recipe.name +
                           (again ? " can be built with a network only"
                                  : " is not in the cache, and the network is not to be used; "
                                    "`nsgate userland build " +
                                        recipe.name + "` with a network puts it into " +
                                        options_.cache.string()));
  }
  const auto building = cache_.lock(key);
  if (!building) return std::unexpected(building.error());
  if (!again) {
    // Another process may have built it while this one waited for the lock.
    auto held = cache_.look(key, text);
    if (!held) return std::unexpected(std::move(held.error()));
    if (*held) return std::move(**held);
  }
  return build(recipe, key);
}

Expected<Userland> UserlandStore::build(const UserlandRecipe& recipe, const std::string& key) {
  std::error_code error;
  if (!fs::is_regular_file(options_.keyring, error)) {
    return could_not_start("no keyring at " + options_.keyring.string() +
                           ": install debian-archive-keyring");
  }
  const auto mirrors =
      options_.mirrors ? Expected<AptMirrors>(*options_.mirrors) : AptMirrors::of_this_machine();
  if (!mirrors) return std::unexpected(mirrors.error());
  if (mirrors->main.empty() || (!recipe.security_suite.empty() && mirrors->security.empty())) {
    return could_not_start(
        "this machine's APT names no mirror of Debian" +
        std::string(mirrors->main.empty() ? "" : "'s security archive") +
        ": add one to its sources, or set NSGATE_MIRROR and NSGATE_SECURITY_MIRROR");
  }
  const auto folder = cache_.workshop(key);
  if (!folder) return std::unexpected(folder.error());
  const auto tar = *folder / "root.tar";
  const auto mode = mmdebstrap_mode(::geteuid());
  progress_(recipe.name + ": building the userland (mmdebstrap --mode=" + mode + ")");
  const auto command =
      mmdebstrap_command(options_.mmdebstrap, recipe, *mirrors, options_.keyring, mode, tar);
  auto made = run_mmdebstrap(command);
  auto tree = made ? read_root_tree(tar, recipe.excluded)
                   : Expected<RootTree>(std::unexpected(std::move(made.error())));
  fs::remove_all(*folder, error);
  if (!tree) return std::unexpected(std::move(tree.error()));
  const auto list = tree->take(package_list_name).value_or("");
  const auto packages = lines_of(list);
  if (packages.empty()) {
    return could_not_start("mmdebstrap made a userland " + recipe.name +
                           " without a list of its packages");
  }
  return cache_.keep(key, text_of(recipe),
                     {.name = recipe.name, .unmet = recipe.unmet, .packages = packages}, *tree);
}

Expected<Userland> UserlandStore::own(const std::string& path) {
  std::error_code error;
  const auto source = fs::canonical(path, error);
  if (error) {
    return could_not_start("the userland " + path + " is unusable: " + error.message());
  }
  auto look = look_of_all(source);
  if (!look) return std::unexpected(std::move(look.error()));
  // The whole look of a large tree is no name for it, so only its key is kept.
  const auto made_from = std::string("format ") + format_version + ' ' + source.string() + ' ' +
                         cache_key("look", *look);
  const auto prefix = cache_key("own", source.string());
  const auto key = cache_key(prefix, made_from);
  const auto named = [&path](Userland userland) {
    userland.name = path;
    return userland;
  };
  auto held = cache_.look(key, made_from);
  if (!held) return std::unexpected(std::move(held.error()));
  if (*held) return named(std::move(**held));
  const auto building = cache_.lock(key);
  if (!building) return std::unexpected(building.error());
  progress_(path + ": reading the userland");
  const auto tree = read_root_tree(source);
  if (!tree) return std::unexpected(tree.error());
  auto kept = cache_.keep(key, made_from, {.name = path}, *tree);
  if (kept) cache_.remove_others(prefix, key);
  return kept;
}

}  // namespace nsgate::lab
