// SPDX-License-Identifier: Apache-2.0
#include "lab/cache/cache_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* list_name = "nsgate-cache.json";
constexpr int schema_version = 1;
constexpr std::size_t max_list = 64UL << 20;
constexpr std::size_t at_once = 1UL << 20;

struct Listed {
  std::uint64_t size = 0;
  std::string sha256;
};
using List = std::map<std::string, Listed>;

Expected<List> list_of(const fs::path& cache, const std::vector<CacheFile>& files) {
  List list;
  for (const auto& file : files) {
    auto hash = sha256_of(cache / file.name);
    if (!hash) return std::unexpected(std::move(hash.error()));
    list.emplace(file.name, Listed{.size = file.size, .sha256 = std::move(*hash)});
  }
  return list;
}

std::string text_of(const List& list) {
  auto files = ordered_json::array();
  for (const auto& [name, about] : list) {
    files.push_back({{"name", name}, {"size", about.size}, {"sha256", about.sha256}});
  }
  const ordered_json document = {{"schema_version", schema_version}, {"files", files}};
  return document.dump(1) + '\n';
}

Expected<List> parse_list(const std::string& text, const fs::path& archive) {
  const auto failure = [&archive](const std::string& what) {
    return could_not_start("the list in " + archive.string() + " " + what +
                           ": export the cache again");
  };
  List list;
  try {
    const auto document = ordered_json::parse(text);
    if (document.at("schema_version") != schema_version) return failure("is of another version");
    for (const auto& file : document.at("files")) {
      const std::string name = file.at("name");
      if (!is_importable(name)) return failure("has a name that is none for a cache: " + name);
      const std::string hash = file.at("sha256");
      if (!is_sha256(hash)) return failure("has no hash for " + name);
      if (!list.emplace(name, Listed{file.at("size").get<std::uint64_t>(), hash}).second) {
        return failure("names " + name + " twice");
      }
    }
  } catch (const ordered_json::exception& error) {
    return failure(std::string("cannot be read (") + error.what() + ")");
  }
  return list;
}

/// What is written to until it is whole; gone at the end of the scope unless it was put in place.
class Unfinished {
 public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  const fs::path path_;
};

using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;
using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;
using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

std::string complaint(archive* about) {
  const char* const text = archive_error_string(about);
  return text != nullptr ? text : "unknown error";
}

bool write_header(archive* to, const std::string& name, std::uint64_t size) {
  const Entry entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  return archive_write_header(to, entry.get()) == ARCHIVE_OK;
}

/// A file that grew or shrank meanwhile would not have the hash that the list gives.
Expected<void> write_content(archive* to, const fs::path& file, std::uint64_t size) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<char> buffer(at_once);
  std::uint64_t written = 0;
  while (stream && written <= size) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto got = static_cast<std::size_t>(stream.gcount());
    if (got == 0) break;
    if (archive_write_data(to, buffer.data(), got) != static_cast<la_ssize_t>(got)) {
      return could_not_start("cannot export " + file.string() + ": " + complaint(to));
    }
    written += got;
  }
  if (written == size) return {};
  return could_not_start(file.string() + " changed while it was exported: try again");
}

Expected<void> write_archive(const fs::path& cache, const List& list, const fs::path& file) {
  const Writer to(archive_write_new(), archive_write_free);
  const auto failure = [&] {
    return could_not_start("cannot write " + file.string() + ": " + complaint(to.get()));
  };
  if (archive_write_set_format_pax_restricted(to.get()) != ARCHIVE_OK ||
      archive_write_add_filter_zstd(to.get()) != ARCHIVE_OK ||
      archive_write_set_filter_option(to.get(), "zstd", "compression-level", "6") != ARCHIVE_OK ||
      archive_write_open_filename(to.get(), file.c_str()) != ARCHIVE_OK) {
    return failure();
  }
  const auto text = text_of(list);
  if (!write_header(to.get(), list_name, text.size()) ||
      archive_write_data(to.get(), text.data(), text.size()) !=
          static_cast<la_ssize_t>(text.size())) {
    return failure();
  }
  for (const auto& [name, about] : list) {
    if (!write_header(to.get(), name, about.size)) return failure();
    if (auto written = write_content(to.get(), cache / name, about.size); !written) return written;
  }
  if (archive_write_close(to.get()) != ARCHIVE_OK) return failure();
  return {};
}

/// The members of an archive, in order.
class Members {
 public:
  explicit Members(fs::path file)
      : file_(std::move(file)), from_(archive_read_new(), archive_read_free) {}

  Expected<void> open() {
    if (archive_read_support_format_tar(from_.get()) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(from_.get()) != ARCHIVE_OK ||
        archive_read_open_filename(from_.get(), file_.c_str(), at_once) != ARCHIVE_OK) {
      return failure(complaint(from_.get()));
    }
    return {};
  }

  /// The name of the next one; nothing behind the last.
  Expected<std::optional<std::string>> next() {
    archive_entry* entry = nullptr;
    const int result = archive_read_next_header(from_.get(), &entry);
    if (result == ARCHIVE_EOF) return std::nullopt;
    if (result != ARCHIVE_OK) return failure(complaint(from_.get()));
    const char* const name = archive_entry_pathname(entry);
    if (name == nullptr) return failure("it has a member without a name");
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
      return failure(std::string(name) + " in it is no plain file");
    }
    return name;
  }

  /// Gives the member's content in pieces, `limit` bytes at most.
  template <typename Take>
  Expected<void> read(std::uint64_t limit, Take take) {
    std::vector<char> buffer(at_once);
    std::uint64_t all = 0;
    for (;;) {
      const auto size = archive_read_data(from_.get(), buffer.data(), buffer.size());
      if (size == 0) return {};
      if (size < 0) return failure(complaint(from_.get()));
      all += static_cast<std::uint64_t>(size);
      if (all > limit) return failure("a member is larger than its list says");
      take(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
    }
  }

  std::unexpected<Failure> failure(const std::string& reason) const {
    return could_not_start("cannot import " + file_.string() + ": " + reason);
  }

 private:
  const fs::path file_;
  const Reader from_;
};

Expected<List> read_list(Members& members, const fs::path& archive) {
  const auto first = members.next();
  if (!first) return std::unexpected(first.error());
  if (*first != list_name) {
    return members.failure(std::string("its first member is not ") + list_name +
                           ", so nsgate cache export did not write it");
  }
  std::string text;
  if (auto read = members.read(max_list, [&](std::string_view bytes) { text += bytes; }); !read) {
    return std::unexpected(std::move(read.error()));
  }
  return parse_list(text, archive);
}

/// Into a file of its own, which is kept if it is what the list says.
Expected<void> unpack(Members& members, const std::string& name, const Listed& about,
                      const fs::path& file) {
  std::ofstream stream(file, std::ios::binary);
  auto read = members.read(about.size, [&](std::string_view bytes) { stream << bytes; });
  if (!read) return read;
  stream.close();
  if (!stream) return members.failure("cannot write " + file.string() + ": is the disk full?");
  const auto hash = sha256_of(file);
  if (!hash) return std::unexpected(hash.error());
  if (*hash == about.sha256) return {};
  return members.failure(name + " has SHA-256 " + *hash + " and not " + about.sha256 +
                         ", as its list says: it was damaged on its way");
}

Expected<void> put_in_place(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  if (!error) fs::rename(from, to, error);
  if (!error) return {};
  return could_not_start("cannot put " + to.string() + " in place: " + error.message());
}

}  // namespace

bool is_importable(const std::string& name) {
  const fs::path path(name);
  if (name.empty() || path.is_absolute() || name.find('\0') != name.npos) return false;
  if (is_transient(path)) return false;  // "." and ".." begin with a dot
  // As text: two paths are equal whatever the number of slashes between their parts.
  return path.lexically_normal().string() == name && path.has_filename();
}

Expected<std::vector<CacheFile>> export_cache(const fs::path& cache, const fs::path& archive) {
  auto files = cache_files(cache);
  if (!files) return files;
  if (files->empty()) {
    return could_not_start("the cache " + cache.string() +
                           " is empty: fill it with `nsgate kernel fetch`");
  }
  const auto list = list_of(cache, *files);
  if (!list) return std::unexpected(list.error());
  const Unfinished unfinished(archive.string() + ".partial");
  if (auto written = write_archive(cache, *list, unfinished.path()); !written) {
    return std::unexpected(std::move(written.error()));
  }
  std::error_code error;
  fs::rename(unfinished.path(), archive, error);
  if (error) return could_not_start("cannot write " + archive.string() + ": " + error.message());
  return files;
}

Expected<std::vector<CacheFile>> import_cache(const fs::path& archive, const fs::path& cache) {
  Members members(archive);
  if (auto opened = members.open(); !opened) return std::unexpected(std::move(opened.error()));
  const auto list = read_list(members, archive);
  if (!list) return std::unexpected(list.error());
  std::error_code error;
  fs::create_directories(cache, error);
  // On the file system of the cache, so that a file can take its place in one step.
  std::string name = (cache / ".import-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    return could_not_start("cannot write to the cache " + cache.string() + ": " +
                           (error ? error.message() : std::strerror(errno)));
  }
  const Unfinished scratch(name);
  std::map<std::string, fs::path> unpacked;
  for (;;) {
    const auto member = members.next();
    if (!member) return std::unexpected(member.error());
    if (!*member) break;
    const auto about = list->find(**member);
    if (about == list->end()) return members.failure(**member + " is not in its list");
    const auto file = scratch.path() / std::to_string(unpacked.size());
    if (!unpacked.emplace(**member, file).second) {
      return members.failure(**member + " is in it twice");
    }
    if (auto good = unpack(members, **member, about->second, file); !good) {
      return std::unexpected(std::move(good.error()));
    }
  }
  std::vector<CacheFile> imported;
  for (const auto& [listed, about] : *list) {
    if (!unpacked.contains(listed)) return members.failure(listed + " is in its list only");
    imported.push_back({.name = listed, .size = about.size});
  }
  for (const auto& [listed, file] : unpacked) {
    if (auto put = put_in_place(file, cache / listed); !put) {
      return std::unexpected(std::move(put.error()));
    }
  }
  return imported;
}

}  // namespace nsgate::lab
