// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/deb.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;

Reader new_reader() { return {archive_read_new(), archive_read_free}; }

/// libarchive's callback: the tar inside is read through the ar outside, block by block.
la_ssize_t read_outer(archive* inner, void* outer, const void** buffer) {
  std::size_t size = 0;
  la_int64_t offset = 0;
  const int result = archive_read_data_block(static_cast<archive*>(outer), buffer, &size, &offset);
  if (result == ARCHIVE_EOF) return 0;
  if (result >= ARCHIVE_WARN) return static_cast<la_ssize_t>(size);
  archive_set_error(inner, EIO, "%s", archive_error_string(static_cast<archive*>(outer)));
  return -1;
}

std::string_view without_dot_slash(std::string_view path) {
  return path.starts_with("./") ? path.substr(2) : path;
}

/// Moves on to the next regular file that `wanted` accepts; ARCHIVE_OK, ARCHIVE_EOF or an error.
template <typename Wanted>
int find_entry(archive* reader, Wanted wanted, std::string& found) {
  for (;;) {
    archive_entry* entry = nullptr;
    const int result = archive_read_next_header(reader, &entry);
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return result;
    const char* name = archive_entry_pathname(entry);
    // The tar of a package names a second link to a file without its bytes.
    if (name == nullptr || archive_entry_filetype(entry) != AE_IFREG ||
        archive_entry_hardlink(entry) != nullptr) {
      continue;
    }
    found = name;
    if (wanted(without_dot_slash(found))) return ARCHIVE_OK;
  }
}

std::string reason(archive* reader, int result) {
  if (result == ARCHIVE_EOF) return "it holds no data.tar: it is no Debian package";
  const char* text = archive_error_string(reader);
  std::string why = text != nullptr ? text : "unknown error";
  // "Write error" alone does not say that the disk is full.
  if (const int error = archive_errno(reader); error > 0) {
    why += std::string(" (") + std::strerror(error) + ")";
  }
  return why;
}

/// An empty answer is success.
std::string write_member(archive* reader, const std::filesystem::path& output) {
  const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return output.string() + ": " + std::strerror(errno);
  std::string failure;
  if (archive_read_data_into_fd(reader, fd) != ARCHIVE_OK) {
    failure = reason(reader, ARCHIVE_FATAL);
  }
  // Some file systems tell of a full disk only at close.
  if (::close(fd) != 0 && failure.empty()) failure = std::strerror(errno);
  if (!failure.empty()) {
    ::unlink(output.c_str());
    failure = output.string() + ": " + failure;
  }
  return failure;
}

bool leads_out(const std::filesystem::path& member) {
  return member.is_absolute() || std::ranges::find(member, "..") != member.end();
}

/// An empty answer is success.
std::string write_under(const std::filesystem::path& folder, const std::string& member,
                        archive* reader) {
  const std::filesystem::path place(without_dot_slash(member));
  if (leads_out(place)) return member + " leads out of the package";
  std::error_code error;
  std::filesystem::create_directories((folder / place).parent_path(), error);
  if (error) return (folder / place).parent_path().string() + ": " + error.message();
  return write_member(reader, folder / place);
}

}  // namespace

Expected<void> unpack_deb(const std::filesystem::path& deb, const std::filesystem::path& folder,
                          const std::function<bool(std::string_view member)>& wanted) {
  const auto failed = [&](const std::string& why) {
    return could_not_start("cannot unpack " + deb.string() + ": " + why);
  };
  const Reader outer = new_reader();
  archive_read_support_format_ar(outer.get());
  if (archive_read_open_filename(outer.get(), deb.c_str(), 65536) != ARCHIVE_OK) {
    return failed(reason(outer.get(), ARCHIVE_FATAL));
  }
  // Compressed in different ways by different releases: data.tar.xz, data.tar.zst … (deb(5)).
  std::string member;
  int result = find_entry(
      outer.get(), [](std::string_view name) { return name.starts_with("data.tar"); }, member);
  if (result != ARCHIVE_OK) return failed(reason(outer.get(), result));

  const Reader inner = new_reader();
  archive_read_support_filter_all(inner.get());
  archive_read_support_format_tar(inner.get());
  result = archive_read_open(inner.get(), outer.get(), nullptr, read_outer, nullptr);
  if (result != ARCHIVE_OK) return failed(reason(inner.get(), result));
  while ((result = find_entry(inner.get(), wanted, member)) == ARCHIVE_OK) {
    if (const auto why = write_under(folder, member, inner.get()); !why.empty()) return failed(why);
  }
  if (result != ARCHIVE_EOF) return failed(reason(inner.get(), result));
  return {};
}

}  // namespace nsgate::lab
