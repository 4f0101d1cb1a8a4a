// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_catalogue.h"

#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/base/toml_words.h"

namespace nsgate::lab {
namespace {

constexpr std::string_view release_mark = "{release}";

/// The answer is what is wrong; empty when the series is whole.
std::string read_series(const toml::table& table, KernelSeries& series) {
  const auto text = [&](std::string_view key) { return table[key].value_or(std::string()); };
  series.name = text("name");
  series.meta_package = text("meta_package");
  series.image_package_prefix = text("image_package_prefix");
  series.flavour = text("flavour");
  series.image = text("image");
  series.config = text("config");
  series.modules = text("modules");
  if (const auto* mark = table.get("default"); mark != nullptr) {
    if (!mark->is_boolean()) return "default is true or false";
    series.is_default = mark->value_or(false);
  }
  const auto main = toml_words(table.get("main_suites"));
  const auto security = toml_words(table.get("security_suites"));
  if (!main || !security) return "main_suites and security_suites are lists of suites' names";
  const auto companions = toml_words(table.get("companion_prefixes"));
  if (!companions) return "companion_prefixes is a list of beginnings of packages' names";
  series.companion_prefixes = *companions;
  series.main_suites = *main;
  series.security_suites = *security;
  // The name becomes part of file names, and a slash tells a path from a name on the command line.
  if (series.name.empty() || series.name.find('/') != std::string::npos) {
    return "a series needs a name without a slash";
  }
  if (series.meta_package.empty() || series.image_package_prefix.empty()) {
    return "a series needs meta_package and image_package_prefix";
  }
  if (series.image.find(release_mark) == std::string::npos) {
    return "a series needs an image, a path with " + std::string(release_mark) + " in it";
  }
  for (const auto& [key, path] :
       {std::pair("config", series.config), std::pair("modules", series.modules)}) {
    if (!path.empty() && path.find(release_mark) == std::string::npos) {
      return std::string(key) + " is a path with " + std::string(release_mark) + " in it";
    }
  }
  if (series.main_suites.empty() && series.security_suites.empty()) {
    return "a series needs main_suites or security_suites";
  }
  return {};
}

std::unexpected<Failure> broken(const std::filesystem::path& file, const toml::source_region& where,
                                std::string_view why) {
  return could_not_start(file.string() + ":" + std::to_string(where.begin.line) + ": " +
                         std::string(why));
}

}  // namespace

std::string KernelSeries::release_of(const std::string& image_package) const {
  return image_package.substr(image_package_prefix.size());
}

std::string KernelSeries::at_release(const std::string& path, const std::string& release) {
  std::string whole = path;
  return whole.replace(whole.find(release_mark), release_mark.size(), release);
}

Expected<KernelCatalogue> load_kernel_catalogue(const std::filesystem::path& file) {
  toml::table document;
  try {
    document = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    return broken(file, error.source(), error.description());
  }
  const auto* entries = document["series"].as_array();
  if (entries == nullptr || entries->empty()) {
    return could_not_start(file.string() + " has no [[series]]");
  }
  KernelCatalogue catalogue;
  const auto* modules = document.get("modules");
  const auto wishes = toml_words(modules);
  if (!wishes) return broken(file, modules->source(), "modules is a list of modules' names");
  for (const auto& wish : *wishes) {
    // It becomes part of a file's name.
    if (wish.empty() || wish.find('/') != std::string::npos) {
      return broken(file, modules->source(), "\"" + wish + "\" is no module's name");
    }
  }
  catalogue.module_wishes = *wishes;
  for (const auto& entry : *entries) {
    const auto* table = entry.as_table();
    if (table == nullptr) return broken(file, entry.source(), "a series is a table");
    KernelSeries series;
    auto why = read_series(*table, series);
    if (std::ranges::find(catalogue.series, series.name, &KernelSeries::name) !=
        catalogue.series.end()) {
      why = "a second series of the name " + series.name;
    }
    if (!why.empty()) return broken(file, entry.source(), why);
    catalogue.series.push_back(std::move(series));
  }
  return catalogue;
}

}  // namespace nsgate::lab
