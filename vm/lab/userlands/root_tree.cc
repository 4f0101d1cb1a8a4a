// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/root_tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/userlands/tree_builder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

std::unexpected<Failure> unusable(const fs::path& source, const std::string& why) {
  return could_not_start("the userland " + source.string() + " is unusable: " + why);
}

std::string too_large() {
  return "it holds more than " + std::to_string(TreeBuilder::limit >> 20) +
         " MiB, and all of it would lie in the guest's memory";
}

/// An error of libarchive in its own words.
std::string words_of(archive* tar) {
  const char* text = archive_error_string(tar);
  return text != nullptr ? text : "libarchive failed";
}

/// The answer is what is wrong; empty when the entry is good.
std::string add_entry(archive* tar, archive_entry* entry, TreeBuilder& tree) {
  const char* const raw = archive_entry_pathname(entry);
  const std::string name = raw != nullptr ? raw : "";
  const auto place = tree.place(name);
  if (!place) return "its entry " + name + " leads out of it";
  if (place->empty()) return {};
  const auto mode = archive_entry_perm(entry);
  if (const char* target = archive_entry_hardlink(entry)) {
    const auto other = tree.place(target);
    if (!other) return "its entry " + name + " is a link out of it, to " + target;
    // A link to something that is left out is left out.
    if (other->empty() || tree.hard_link(*place, *other)) return {};
    return "its entry " + name + " is a hard link to " + target + ", which is no file before it";
  }
  switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
      tree.directory(*place, mode);
      return {};
    case AE_IFLNK:
      tree.symlink(*place, archive_entry_symlink(entry));
      return {};
    case AE_IFREG:
      break;
    default:
      return {};
  }
  const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
  if (!tree.has_room(size)) return too_large();
  std::string content(size, '\0');
  if (size > 0 && archive_read_data(tar, content.data(), size) != static_cast<la_ssize_t>(size)) {
    return "it breaks off in " + name + ": " + words_of(tar);
  }
  tree.file(*place, mode, std::move(content));
  return {};
}

Expected<RootTree> read_tar(const fs::path& source, TreeBuilder tree) {
  const std::unique_ptr<archive, decltype(&archive_read_free)> tar(archive_read_new(),
                                                                   archive_read_free);
  constexpr std::size_t block = 128 * 1024;
  if (archive_read_support_format_tar(tar.get()) != ARCHIVE_OK ||
      archive_read_support_filter_gzip(tar.get()) != ARCHIVE_OK ||
      archive_read_support_filter_xz(tar.get()) != ARCHIVE_OK ||
      archive_read_support_filter_zstd(tar.get()) != ARCHIVE_OK ||
      archive_read_open_filename(tar.get(), source.c_str(), block) != ARCHIVE_OK) {
    return unusable(source, "neither a directory nor a tar (.tar, .tar.gz, .tar.xz, .tar.zst): " +
                                words_of(tar.get()));
  }
  bool any = false;
  archive_entry* entry = nullptr;
  int result = ARCHIVE_OK;
  while ((result = archive_read_next_header(tar.get(), &entry)) == ARCHIVE_OK ||
         result == ARCHIVE_WARN) {
    any = true;
    if (auto why = add_entry(tar.get(), entry, tree); !why.empty()) return unusable(source, why);
  }
  if (result != ARCHIVE_EOF && any)
    return unusable(source, "it breaks off: " + words_of(tar.get()));
  if (!any) {
    return unusable(source, "neither a directory nor a tar (.tar, .tar.gz, .tar.xz, .tar.zst)");
  }
  return RootTree(std::move(tree).finish());
}

Expected<std::string> read_file(const fs::path& file, std::uint64_t size) {
  std::string content(size, '\0');
  std::ifstream stream(file, std::ios::binary);
  if (stream.read(content.data(), static_cast<std::streamsize>(size))) return content;
  return could_not_start("cannot read " + file.string() +
                         " of the userland: " + std::strerror(errno));
}

class DirectoryReader {
 public:
  DirectoryReader(fs::path top, TreeBuilder& tree) : top_(std::move(top)), tree_(tree) {}

  Expected<void> read(const fs::path& folder) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (auto it = fs::directory_iterator(folder, error); !error && it != fs::end(it);
         it.increment(error)) {
      entries.push_back(it->path());
    }
    if (error) return unusable(top_, "cannot read " + folder.string() + ": " + error.message());
    std::ranges::sort(entries);
    for (const auto& entry : entries) {
      if (auto added = add(entry); !added) return added;
    }
    return {};
  }

 private:
  Expected<void> add(const fs::path& path) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0) {
      return unusable(top_, "cannot look at " + path.string() + ": " + std::strerror(errno));
    }
    const auto name = path.lexically_relative(top_).string();
    const auto place = tree_.place(name);
    if (!place || place->empty()) return {};
    const mode_t mode = about.st_mode & 07777;
    if (S_ISDIR(about.st_mode)) {
      tree_.directory(*place, mode);
      return read(path);
    }
    if (S_ISLNK(about.st_mode)) {
      std::error_code error;
      tree_.symlink(*place, fs::read_symlink(path, error).string());
      return {};
    }
    if (!S_ISREG(about.st_mode)) return {};
    const auto [first, is_new] = first_names_.try_emplace({about.st_dev, about.st_ino}, *place);
    if (about.st_nlink > 1 && !is_new && tree_.hard_link(*place, first->second)) return {};
    const auto size = static_cast<std::uint64_t>(about.st_size);
    if (!tree_.has_room(size)) return unusable(top_, too_large());
    auto content = read_file(path, size);
    if (!content) return std::unexpected(content.error());
    tree_.file(*place, mode, std::move(*content));
    return {};
  }

  fs::path top_;
  TreeBuilder& tree_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
};

}  // namespace

std::optional<std::string> RootTree::resolve(const std::string& path) const {
  const auto name = follow_links(contents_, path, true);
  if (!name) return std::nullopt;
  const auto link = contents_.hard_links.find(*name);
  const auto& file = link != contents_.hard_links.end() ? link->second : *name;
  return contents_.files.contains(file) ? std::optional(file) : std::nullopt;
}

std::set<std::string> RootTree::libraries() const {
  constexpr std::array folders{
      "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "lib", "usr/lib"};
  std::set<std::string> found;
  for (const auto* folder : folders) {
    const auto place = follow_links(contents_, folder, true);
    if (!place) continue;
    const auto collect = [&](const auto& names) {
      for (auto it = names.lower_bound(*place + '/');
           it != names.end() && it->first.starts_with(*place + '/'); ++it) {
        const auto name = it->first.substr(place->size() + 1);
        if (name.find('/') == name.npos && resolve(it->first)) found.insert(name);
      }
    };
    collect(contents_.files);
    collect(contents_.symlinks);
    collect(contents_.hard_links);
  }
  return found;
}

std::uint64_t RootTree::unpacked_bytes() const {
  constexpr std::uint64_t page = 4096;
  std::uint64_t bytes = 0;
  for (const auto& [name, file] : contents_.files) {
    bytes += (file.content.size() + page - 1) / page * page;
  }
  return bytes;
}

std::optional<std::string> RootTree::take(const std::string& name) {
  const auto file = contents_.files.find(name);
  if (file == contents_.files.end()) return std::nullopt;
  auto text = std::move(file->second.content);
  contents_.files.erase(file);
  return text;
}

Expected<RootTree> read_root_tree(const fs::path& source,
                                  const std::vector<std::string>& excluded) {
  TreeBuilder tree(excluded);
  std::error_code error;
  const auto status = fs::status(source, error);
  if (!fs::exists(status)) {
    return unusable(source, "it does not exist" + (error ? ": " + error.message() : ""));
  }
  if (!fs::is_directory(status)) return read_tar(source, std::move(tree));
  const auto top = fs::absolute(source).lexically_normal();
  // Without the slash that would make an empty last part.
  DirectoryReader reader(top.has_filename() ? top : top.parent_path(), tree);
  if (auto read = reader.read(top.has_filename() ? top : top.parent_path()); !read) {
    return std::unexpected(read.error());
  }
  return RootTree(std::move(tree).finish());
}

}  // namespace nsgate::lab
