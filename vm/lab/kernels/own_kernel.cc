// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/own_kernel.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <ranges>
#include <string_view>
#include <system_error>
#include <utility>

#include "frame/frame.h"
#include "lab/base/could_not_start.h"
#include "lab/base/file_lock.h"
#include "lab/base/sha256.h"
#include "lab/base/write_file.h"
#include "lab/kernels/deb.h"
#include "lab/kernels/found_kernel.h"
#include "lab/kernels/ikconfig.h"
#include "lab/kernels/kernel_config.h"
#include "lab/kernels/kernel_folder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

/// Several packages of one kernel have commas between.
std::vector<fs::path> debs_in(const std::string& name) {
  std::vector<fs::path> debs;
  for (const auto part : name | std::views::split(',')) {
    const std::string_view text(part.begin(), part.end());
    if (!text.ends_with(".deb")) return {};
    debs.push_back(fs::absolute(text));
  }
  return debs;
}

/// One line for a file of the user's: while it is the same, so is the file.
std::string trace_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return file.string() + " missing\n";
  return file.string() + ' ' + std::to_string(status.st_size) + ' ' +
         std::to_string(status.st_ino) + ' ' + std::to_string(status.st_ctim.tv_sec) + '.' +
         std::to_string(status.st_ctim.tv_nsec) + '\n';
}

/// "vmlinuz-6.1-5d0f19aa": for a person, and no two paths share one.
std::string folder_name(const std::string& name, const OwnKernelOptions& options) {
  const auto whole = fs::absolute(name).lexically_normal();
  std::array<char, 10> digits{};
  std::snprintf(digits.data(), digits.size(), "-%08" PRIx32,
                frame::crc32(whole.string() + '\n' + options.modules.string() + '\n' +
                             options.config.string()));
  auto readable = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  std::ranges::replace_if(
      readable, [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '-'; }, '_');
  return readable.substr(0, 64) + digits.data();
}

/// Only what find_kernel() looks at.
bool is_part_of_a_kernel(std::string_view member) {
  return member.starts_with("boot/") || member.starts_with("lib/modules/") ||
         member.starts_with("usr/lib/modules/");
}

/// What the options say goes before what was found.
Expected<FoundKernel> with_options(FoundKernel found, const OwnKernelOptions& options) {
  if (!options.modules.empty()) {
    auto modules = find_modules(options.modules, found.release);
    if (!modules) return std::unexpected(std::move(modules.error()));
    found.modules = fs::absolute(*modules);
  }
  if (!options.config.empty()) found.config = fs::absolute(options.config);
  return found;
}

/// A kernel in the making, in a folder of the cache.
class Making {
 public:
  Making(fs::path folder, const std::vector<std::string>& wishes, const OwnKernelOptions& options)
      : folder_(std::move(folder)), wishes_(wishes), options_(options) {}

  Expected<StoredKernel> from_debs(const std::vector<fs::path>& debs) const {
    std::string origin = wishes();
    for (const auto& deb : debs) origin += trace_of(deb);
    if (auto ready = made_before(origin); !ready || *ready)
      return found_or_failed(std::move(ready));
    const auto root = scratch("unpacked");
    const Emptied emptied{root};
    for (const auto& deb : debs) {
      std::error_code error;
      if (!fs::is_regular_file(deb, error)) {
        return could_not_start("no kernel at " + deb.string() + ": no such file");
      }
      if (auto done = unpack_deb(deb, root, is_part_of_a_kernel); !done) {
        return std::unexpected(std::move(done.error()));
      }
    }
    std::error_code ignored;  // no folder is no kernel, which find_kernel() tells
    fs::create_directories(root, ignored);
    auto found = find_kernel(root);
    if (found) found = with_options(std::move(*found), options_);
    if (!found) return named_for(debs, root, std::move(found.error().message));
    auto stored = fill(*found, origin, found->image);
    if (!stored) return named_for(debs, root, std::move(stored.error().message));
    return stored;
  }

  /// The image stays where it is.
  Expected<StoredKernel> from_files(const fs::path& path) const {
    auto found = find_kernel(path);
    if (found) found = with_options(std::move(*found), options_);
    if (!found) return std::unexpected(std::move(found.error()));
    const auto chosen = choose(*found);
    if (!chosen) return std::unexpected(chosen.error());
    std::string origin = wishes() + trace_of(found->image);
    if (!found->config.empty()) origin += trace_of(found->config);
    for (const auto& file : chosen->files) origin += trace_of(file);
    auto ready = made_before(origin);
    auto stored = !ready || *ready ? found_or_failed(std::move(ready)) : fill(*found, origin, {});
    if (!stored) return stored;
    auto hash = sha256_of(found->image);
    if (!hash) return std::unexpected(std::move(hash.error()));
    stored->image = found->image;
    stored->image_sha256 = std::move(*hash);
    return stored;
  }

 private:
  struct Emptied {
    fs::path folder;
    ~Emptied() {
      std::error_code ignored;
      fs::remove_all(folder, ignored);
    }
  };

  /// The user knows the packages and not the folder that they were unpacked into.
  static std::unexpected<Failure> named_for(const std::vector<fs::path>& debs, const fs::path& root,
                                            std::string message) {
    for (auto at = message.find(root.string()); at != message.npos;
         at = message.find(root.string(), at)) {
      message.replace(at, root.string().size(), debs.front().string());
      at += debs.front().string().size();
    }
    return could_not_start(message +
                           "; of a split package give all (linux-binary, linux-modules, "
                           "linux-base), with commas between");
  }

  fs::path scratch(const std::string& what) const {
    const fs::path place = folder_.string() + "." + what;
    std::error_code ignored;  // what cannot be removed is found when it is written to
    fs::remove_all(place, ignored);
    return place;
  }

  std::string wishes() const {
    std::string all = "modules:";
    for (const auto& wish : wishes_) all += ' ' + wish;
    return all + '\n';
  }

  Expected<std::optional<StoredKernel>> made_before(const std::string& origin) const {
    auto stored = read_kernel_folder(folder_, Stamps::refresh);
    if (stored && *stored && (*stored)->origin != origin) return std::nullopt;
    return stored;
  }

  static Expected<StoredKernel> found_or_failed(Expected<std::optional<StoredKernel>> ready) {
    if (!ready) return std::unexpected(std::move(ready.error()));
    return std::move(**ready);
  }

  Expected<ModuleSet> choose(const FoundKernel& found) const {
    if (!found.modules.empty()) return choose_modules(found.modules, wishes_, found.release);
    // Nobody knows what is built in where there is no modules.builtin, so nothing is called absent.
    return ModuleSet{};
  }

  /// The config's file, or one written from what the image carries; empty when unknown.
  Expected<fs::path> config(const FoundKernel& found, const fs::path& draft) const {
    if (!found.config.empty()) {
      if (auto good = KernelConfig::load(found.config); !good) {
        return std::unexpected(std::move(good.error()));
      }
      return found.config;
    }
    const auto inside = config_in_image(found.image);
    if (!inside) return std::unexpected(inside.error());
    if (!*inside) return fs::path();
    if (auto good = KernelConfig::parse(**inside, found.image.string()); !good) {
      return std::unexpected(std::move(good.error()));
    }
    if (auto written = write_file(draft, **inside); !written) {
      return std::unexpected(std::move(written.error()));
    }
    return draft;
  }

  Expected<StoredKernel> fill(const FoundKernel& found, const std::string& origin,
                              const fs::path& image) const {
    auto chosen = choose(found);
    if (!chosen) return std::unexpected(std::move(chosen.error()));
    const Emptied draft{scratch("config")};
    const auto config_file = config(found, draft.folder);
    if (!config_file) return std::unexpected(config_file.error());
    const auto kernel = fill_kernel_folder(folder_, {.release = found.release,
                                                     .image = image,
                                                     .config = *config_file,
                                                     .modules = std::move(*chosen),
                                                     .origin = origin});
    return kernel;
  }

  fs::path folder_;
  const std::vector<std::string>& wishes_;
  const OwnKernelOptions& options_;
};

}  // namespace

bool is_own_kernel(const std::string& name) { return name.find('/') != std::string::npos; }

Expected<Kernel> OwnKernels::prepare(const std::string& name,
                                     const OwnKernelOptions& options) const {
  const auto folder = cache_ / folder_name(name, options);
  const auto lock = FileLock::acquire(folder.string() + ".lock");
  if (!lock) return std::unexpected(lock.error());
  const Making making(folder, wishes_, options);
  const auto debs = debs_in(name);
  auto stored = debs.empty() ? making.from_files(name) : making.from_debs(debs);
  if (!stored) return std::unexpected(std::move(stored.error()));
  if (!wishes_.empty() && stored->modules.empty() && stored->built_in.empty() &&
      stored->absent.empty()) {
    progress_(name + ": no modules were found for it, so guests get none; --modules gives them");
  }
  return Kernel{.name = name,
                .release = std::move(stored->release),
                .package_version = {},
                .image = std::move(stored->image),
                .image_sha256 = std::move(stored->image_sha256),
                .config = std::move(stored->config),
                .modules = std::move(stored->modules),
                .absent_modules = std::move(stored->absent),
                .unpinned = {}};
}

}  // namespace nsgate::lab
