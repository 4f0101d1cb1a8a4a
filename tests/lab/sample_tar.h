// SPDX-License-Identifier: Apache-2.0
//
// Tars that no tar(1) would write, and those that it would.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nsgate::lab {

struct TarEntry {
  std::string name;
  unsigned type = AE_IFREG;
  std::string content{};    ///< of a file
  std::string symlink{};    ///< where to
  std::string hard_link{};  ///< to what
  mode_t mode = 0755;
};

/// `filter` is of archive_write_add_filter_by_name(3): "none", "gzip", "xz", "zstd".
inline void write_tar(const std::filesystem::path& file, const std::vector<TarEntry>& entries,
                      const char* filter = "none") {
  const std::unique_ptr<archive, decltype(&archive_write_free)> tar(archive_write_new(),
                                                                    archive_write_free);
  const auto require = [&](int result) {
    if (result != ARCHIVE_OK) throw std::runtime_error(archive_error_string(tar.get()));
  };
  require(archive_write_set_format_gnutar(tar.get()));
  if (std::string_view(filter) != "none") {
    require(archive_write_add_filter_by_name(tar.get(), filter));
  }
  require(archive_write_open_filename(tar.get(), file.c_str()));
  for (const auto& about : entries) {
    const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                              archive_entry_free);
    archive_entry_set_pathname(entry.get(), about.name.c_str());
    archive_entry_set_filetype(entry.get(), about.type);
    archive_entry_set_perm(entry.get(), about.mode);
    archive_entry_set_uid(entry.get(), 1234);
    if (!about.symlink.empty()) archive_entry_set_symlink(entry.get(), about.symlink.c_str());
    if (!about.hard_link.empty()) archive_entry_set_hardlink(entry.get(), about.hard_link.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(about.content.size()));
    require(archive_write_header(tar.get(), entry.get()));
    if (!about.content.empty()) {
      archive_write_data(tar.get(), about.content.data(), about.content.size());
    }
  }
  require(archive_write_close(tar.get()));
}

/// What a program of this machine needs to be started.
inline std::vector<TarEntry> sample_root() {
  return {{.name = "./", .type = AE_IFDIR},
          {.name = "./lib64", .type = AE_IFLNK, .symlink = "usr/lib64"},
          {.name = "./lib", .type = AE_IFLNK, .symlink = "usr/lib"},
          {.name = "./usr/lib64/ld-linux-x86-64.so.2",
           .type = AE_IFLNK,
           .symlink = "../lib/x86_64-linux-gnu/ld.so"},
          {.name = "./usr/lib/x86_64-linux-gnu/ld.so", .content = "the loader"},
          {.name = "./usr/lib/x86_64-linux-gnu/libc.so.6",
           .content = "GLIBC_2.2.5 GLIBC_2.36 GLIBC_2.4 GLIBC_PRIVATE"}};
}

}  // namespace nsgate::lab
