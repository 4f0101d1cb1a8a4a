// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/module_set.h"

#include <libkmod.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

std::string normal_name(std::string_view name) {
  std::string normal(name);
  std::ranges::replace(normal, '-', '_');
  return normal;
}

/// What modpost wrote into a module.
struct ModuleInfo {
  std::string vermagic;
  std::vector<std::string> depends;
  std::vector<std::string> before;  ///< softdep: wanted first, where there is such a module
};

std::vector<std::string> names_in(std::string_view text, char separator) {
  std::vector<std::string> names;
  for (const auto part : text | std::views::split(separator)) {
    if (!part.empty()) names.push_back(normal_name(std::string_view(part.begin(), part.end())));
  }
  return names;
}

/// "pre: a b post: c" (modprobe.d(5)).
std::vector<std::string> names_before(std::string_view softdep) {
  std::vector<std::string> before;
  bool pre = false;
  for (auto& word : names_in(softdep, ' ')) {
    if (word.ends_with(':')) {
      pre = word == "pre:";
    } else if (pre) {
      before.push_back(std::move(word));
    }
  }
  return before;
}

class ModuleReader {
 public:
  static std::optional<ModuleReader> create() {
    // Nothing of the host's /etc/modprobe.d counts.
    const char* const no_configuration = nullptr;
    Context context(kmod_new("/", &no_configuration), kmod_unref);
    if (!context) return std::nullopt;
    kmod_set_log_priority(context.get(), 0);
    return ModuleReader(std::move(context));
  }

  Expected<ModuleInfo> read(const fs::path& file) const {
    kmod_module* opened = nullptr;
    int error = kmod_module_new_from_path(context_.get(), file.c_str(), &opened);
    const std::unique_ptr<kmod_module, decltype(&kmod_module_unref)> module(opened,
                                                                            kmod_module_unref);
    kmod_list* list = nullptr;
    if (error >= 0) error = kmod_module_get_info(module.get(), &list);
    const std::unique_ptr<kmod_list, void (*)(kmod_list*)> owner(list, kmod_module_info_free_list);
    if (error < 0) {
      return could_not_start(file.string() + " is no kernel module: " + std::strerror(-error) +
                             "; build or install the modules again");
    }
    ModuleInfo info;
    for (const kmod_list* entry = list; entry != nullptr; entry = kmod_list_next(list, entry)) {
      take(kmod_module_info_get_key(entry), kmod_module_info_get_value(entry), info);
    }
    return info;
  }

 private:
  using Context = std::unique_ptr<kmod_ctx, decltype(&kmod_unref)>;

  explicit ModuleReader(Context context) : context_(std::move(context)) {}

  static void take(std::string_view key, std::string_view value, ModuleInfo& info) {
    if (key == "vermagic") info.vermagic = value;
    if (key == "depends") info.depends = names_in(value, ',');
    if (key == "softdep") std::ranges::copy(names_before(value), std::back_inserter(info.before));
  }

  Context context_;
};

/// Which modules there are, by name.
using Index = std::map<std::string, fs::path>;

/// A build tree lists its modules in modules.order: "kernel/drivers/net/dummy.ko" until Linux 6.2,
/// "drivers/net/dummy.o" since.
Index index_of_tree(const fs::path& tree) {
  Index index;
  std::ifstream order(tree / "modules.order");
  for (std::string line; std::getline(order, line);) {
    constexpr std::string_view installed = "kernel/";
    std::error_code ignored;
    if (line.starts_with(installed) && !fs::exists(tree / line, ignored)) {
      line.erase(0, installed.size());
    }
    if (line.ends_with(".o")) line.replace(line.size() - 1, 1, "ko");
    if (const auto name = module_name(line); !name.empty()) index.emplace(name, tree / line);
  }
  return index;
}

/// As depmod.d(5) has it by default: what lies in updates/ goes before the rest.
Expected<Index> index_of_installed(const fs::path& folder) {
  Index index;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  // Where modules were installed from a build tree, build and source are links to it, which are not
  // followed.
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const auto name = module_name(entry->path());
    if (name.empty()) continue;
    const auto place = index.emplace(name, entry->path()).first;
    if (*entry->path().lexically_relative(folder).begin() == "updates") {
      place->second = entry->path();
    }
  }
  if (error) return could_not_start("cannot read " + folder.string() + ": " + error.message());
  return index;
}

std::set<std::string> names_built_in(const fs::path& folder) {
  std::set<std::string> names;
  std::ifstream in(folder / "modules.builtin");
  for (std::string line; std::getline(in, line);) {
    // Like modules.order, a build tree's list has names of objects in some versions.
    if (line.ends_with(".o")) line.replace(line.size() - 1, 1, "ko");
    if (auto name = module_name(line); !name.empty()) names.insert(std::move(name));
  }
  return names;
}

/// Puts modules behind what they need.
class Order {
 public:
  Order(const ModuleReader& reader, const Index& index, const std::set<std::string>& built_in,
        const std::string& release)
      : reader_(reader), index_(index), built_in_(built_in), release_(release) {}

  Expected<void> add(const std::string& name) {
    if (!begun_.insert(name).second) return {};
    const auto& file = index_.at(name);
    const auto info = reader_.read(file);
    if (!info) return std::unexpected(info.error());
    if (auto fits = check(file, info->vermagic); !fits) return fits;
    for (const auto& before : info->before) {
      if (!index_.contains(before)) continue;
      if (auto added = add(before); !added) return added;
    }
    for (const auto& needed : info->depends) {
      if (built_in_.contains(needed)) continue;
      if (!index_.contains(needed)) {
        return could_not_start(file.string() + " needs the module " + needed +
                               ", which is neither there nor built in: build or install all of "
                               "the kernel's modules");
      }
      if (auto added = add(needed); !added) return added;
    }
    files_.push_back(file);
    return {};
  }

  std::vector<fs::path> take() { return std::move(files_); }

 private:
  Expected<void> check(const fs::path& file, std::string_view vermagic) const {
    const auto built_for = vermagic.substr(0, vermagic.find(' '));
    if (release_.empty() || built_for == release_) return {};
    return could_not_start(file.string() + " was built for " +
                           (built_for.empty() ? "an unknown kernel" : std::string(built_for)) +
                           " and the kernel is " + release_ +
                           ": give the modules that were built with it");
  }

  const ModuleReader& reader_;
  const Index& index_;
  const std::set<std::string>& built_in_;
  const std::string& release_;
  std::set<std::string> begun_;
  std::vector<fs::path> files_;
};

}  // namespace

std::string module_name(const fs::path& file) {
  const std::string name = file.filename().string();
  constexpr std::array<std::string_view, 4> endings{".ko", ".ko.xz", ".ko.zst", ".ko.gz"};
  for (const auto ending : endings) {
    if (name.ends_with(ending)) return normal_name(name.substr(0, name.size() - ending.size()));
  }
  return {};
}

Expected<ModuleSet> choose_modules(const fs::path& folder, const std::vector<std::string>& wishes,
                                   const std::string& release) {
  const auto reader = ModuleReader::create();
  if (!reader) return could_not_start("libkmod cannot be used: out of memory");
  std::error_code ignored;
  // Where modules are installed there is a modules.order too, but never a Makefile.
  const bool tree = fs::exists(folder / "Makefile", ignored) ||
                    fs::exists(folder / "arch/x86/boot/bzImage", ignored);
  const auto index = tree ? index_of_tree(folder) : index_of_installed(folder);
  if (!index) return std::unexpected(index.error());
  const auto built_in = names_built_in(folder);

  ModuleSet chosen;
  Order order(*reader, *index, built_in, release);
  for (const auto& wish : wishes) {
    const auto name = normal_name(wish);
    if (index->contains(name)) {
      if (auto added = order.add(name); !added) return std::unexpected(added.error());
    } else {
      (built_in.contains(name) ? chosen.built_in : chosen.absent).push_back(wish);
    }
  }
  chosen.files = order.take();
  return chosen;
}

}  // namespace nsgate::lab
