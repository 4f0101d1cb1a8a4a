// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/found_kernel.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lab/base/could_not_start.h"
#include "lab/kernels/bzimage.h"
#include "lab/kernels/vmlinux.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

constexpr const char* image_in_tree = "arch/x86/boot/bzImage";

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

bool is_folder(const fs::path& file) {
  std::error_code ignored;
  return fs::is_directory(file, ignored);
}

fs::path if_exists(const fs::path& file) { return is_there(file) ? file : fs::path(); }

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    found.push_back(entry->path());
  }
  std::ranges::sort(found);
  return found;
}

Expected<std::string> release_of(const fs::path& image) {
  std::array<char, 4> magic{};
  std::ifstream in(image, std::ios::binary);
  in.read(magic.data(), magic.size());
  if (is_elf({magic.data(), static_cast<std::size_t>(in.gcount())})) {
    auto vmlinux = read_vmlinux(image);
    if (!vmlinux) return std::unexpected(std::move(vmlinux.error()));
    return std::move(vmlinux->release);
  }
  auto header = read_bzimage(image);
  if (!header) return std::unexpected(std::move(header.error()));
  return std::move(header->release);
}

std::string first_line(const fs::path& file) {
  std::string line;
  std::ifstream in(file);
  std::getline(in, line);
  return line;
}

bool is_build_tree(const fs::path& folder) {
  return is_there(folder / image_in_tree) ||
         (is_there(folder / "Makefile") && is_there(folder / "Kconfig")) ||
         is_there(folder / "include/config/kernel.release");
}

Expected<FoundKernel> find_in_tree(const fs::path& tree, fs::path image) {
  if (image.empty()) image = if_exists(tree / image_in_tree);
  if (image.empty()) image = if_exists(tree / "vmlinux");
  if (image.empty()) {
    return could_not_start(tree.string() + " is a build tree of Linux without " + image_in_tree +
                           ": run `make bzImage` there, or give the folder of O=");
  }
  auto release = release_of(image);
  if (!release) return std::unexpected(std::move(release.error()));
  if (release->empty()) *release = first_line(tree / "include/config/kernel.release");
  // Without a list of modules none was built.
  return FoundKernel{.release = std::move(*release),
                     .image = std::move(image),
                     .config = if_exists(tree / ".config"),
                     .modules = is_there(tree / "modules.order") ? tree : fs::path()};
}

/// "vmlinuz-6.1.0-9-amd64" has "config-6.1.0-9-amd64" beside it; "vmlinuz" in the folder of its
/// modules (as Fedora and newer Debian have it) has "config".
fs::path config_beside(const fs::path& image) {
  const auto name = image.filename().string();
  const auto dash = name.find('-');
  if (dash == name.npos && name != "vmlinuz") return {};
  fs::path config = image.parent_path() / "config";
  if (dash != name.npos) config += name.substr(dash);
  return if_exists(config);
}

fs::path modules_under(const fs::path& root, const std::string& release) {
  if (release.empty()) return {};
  for (const char* place : {"usr/lib/modules", "lib/modules"}) {
    if (is_folder(root / place / release)) return root / place / release;
  }
  return {};
}

/// A lone image, and what lies where /boot or a folder of modules has it.
Expected<FoundKernel> find_around(const fs::path& image) {
  auto release = release_of(image);
  if (!release) return std::unexpected(std::move(release.error()));
  FoundKernel found{.release = std::move(*release),
                    .image = image,
                    .config = config_beside(image),
                    .modules = {}};
  const auto folder = image.parent_path();
  if (folder.filename() == "boot")
    found.modules = modules_under(folder.parent_path(), found.release);
  if (image.filename() == "vmlinuz" && folder.filename() == found.release) found.modules = folder;
  return found;
}

Expected<FoundKernel> find_in_root(const fs::path& root) {
  std::vector<fs::path> images;
  for (const auto& file : entries(root / "boot")) {
    const auto name = file.filename().string();
    if (name.starts_with("vmlinuz-") || name == "vmlinuz" || name == "bzImage") {
      images.push_back(file);
    }
  }
  for (const char* place : {"usr/lib/modules", "lib/modules"}) {
    // Where /lib is a link to usr/lib it is the same folder again.
    if (!images.empty()) break;
    for (const auto& modules : entries(root / place)) {
      if (is_there(modules / "vmlinuz")) images.push_back(modules / "vmlinuz");
    }
  }
  if (images.empty()) {
    return could_not_start(root.string() + " holds no kernel: neither " + image_in_tree +
                           " (a build tree) nor boot/vmlinuz-* or usr/lib/modules/*/vmlinuz (laid "
                           "out like /)");
  }
  if (images.size() > 1) {
    std::string all;
    for (const auto& image : images) all += (all.empty() ? "" : ", ") + image.string();
    return could_not_start(root.string() + " holds " + std::to_string(images.size()) +
                           " kernels: name one of " + all);
  }
  auto found = find_around(images.front());
  if (found && found->modules.empty()) found->modules = modules_under(root, found->release);
  return found;
}

std::string releases_in(const fs::path& folder) {
  std::string all;
  for (const auto& entry : entries(folder)) {
    if (is_folder(entry)) all += (all.empty() ? "" : ", ") + entry.filename().string();
  }
  return all;
}

}  // namespace

Expected<FoundKernel> find_kernel(const fs::path& path) {
  std::error_code error;
  // Without a slash at the end, so that folders have names.
  auto file = fs::absolute(path).lexically_normal();
  if (!file.has_filename()) file = file.parent_path();
  if (!is_there(file)) return could_not_start("no kernel at " + path.string() + ": no such file");
  if (is_folder(file)) return is_build_tree(file) ? find_in_tree(file, {}) : find_in_root(file);
  if (std::string_view(file.native()).ends_with("/arch/x86/boot/bzImage")) {
    const auto tree = file.parent_path().parent_path().parent_path().parent_path();
    return find_in_tree(tree, file);
  }
  if (file.filename() == "vmlinux" && is_there(file.parent_path() / ".config")) {
    return find_in_tree(file.parent_path(), file);
  }
  return find_around(file);
}

Expected<fs::path> find_modules(const fs::path& given, const std::string& release) {
  if (!is_folder(given)) {
    return could_not_start("no modules at " + given.string() +
                           ": give the INSTALL_MOD_PATH of `make modules_install`, its "
                           "lib/modules/<release>, or a build tree");
  }
  if (is_there(given / "modules.order") || is_there(given / "modules.builtin") ||
      is_there(given / "modules.dep")) {
    return given;
  }
  if (auto folder = modules_under(given, release); !folder.empty()) return folder;
  for (const auto& place : {given / "usr/lib/modules", given / "lib/modules"}) {
    const auto releases = releases_in(place);
    if (releases.empty()) continue;
    const bool one = releases.find(", ") == std::string::npos;
    if (release.empty() && one) return place / releases;
    return could_not_start(
        release.empty() ? place.string() + " has modules of several kernels (" + releases +
                              ") and the image does not tell its release: give one of these folders"
                        : place.string() + " has no modules of " + release + ", only of " +
                              releases + ": install those that were built with the kernel");
  }
  return could_not_start(given.string() +
                         " holds no modules: neither modules.order nor lib/modules/<release>; run "
                         "`make modules_install` with INSTALL_MOD_PATH=" +
                         given.string());
}

}  // namespace nsgate::lab
