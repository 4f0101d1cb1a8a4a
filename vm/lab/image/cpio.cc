// SPDX-License-Identifier: Apache-2.0
#include "lab/image/cpio.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

/// Zero and 1 for a file with one name.
struct Inode {
  la_int64_t number = 0;
  unsigned names = 1;
};

class Writer {
 public:
  explicit Writer(int fd) : archive_(archive_write_new(), archive_write_free) {
    ok_ = archive_write_set_format_cpio_newc(archive_.get()) == ARCHIVE_OK &&
          archive_write_add_filter_none(archive_.get()) == ARCHIVE_OK &&
          archive_write_open_fd(archive_.get(), fd) == ARCHIVE_OK;
  }

  void directory(const std::string& name, mode_t mode) {
    add(name, {.type = AE_IFDIR, .mode = mode}, {});
  }
  void device(const std::string& name, dev_t number) {
    add(name, {.type = AE_IFCHR, .mode = 0600, .device = number}, {});
  }
  void file(const std::string& name, const CpioContents::File& file, const Inode& inode) {
    add(name, {.type = AE_IFREG, .mode = file.mode, .inode = inode}, file.content);
  }
  void symlink(const std::string& name, const std::string& target) {
    add(name, {.type = AE_IFLNK, .mode = 0777, .target = target}, {});
  }
  /// The kernel knows another name of a file by its inode and kind (maybe_link in init/initramfs.c)
  /// and leaves the file as it is when no content comes with it.
  void hard_link(const std::string& name, mode_t mode, const Inode& inode) {
    add(name, {.type = AE_IFREG, .mode = mode, .inode = inode}, {});
  }
  bool close() { return ok_ && archive_write_close(archive_.get()) == ARCHIVE_OK; }
  std::string error() const {
    const char* text = archive_error_string(archive_.get());
    const int error = archive_errno(archive_.get());
    return std::string(text != nullptr ? text : "libarchive failed") +
           (error > 0 ? std::string(": ") + std::strerror(error) : "");
  }

 private:
  struct Entry {
    unsigned type;
    mode_t mode;
    dev_t device = 0;
    std::string target{};
    Inode inode{};
  };

  void add(const std::string& name, const Entry& about, std::string_view content) {
    const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(
        archive_entry_new2(archive_.get()), archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), about.type);
    archive_entry_set_perm(entry.get(), about.mode);
    archive_entry_set_rdev(entry.get(), about.device);
    if (!about.target.empty()) archive_entry_set_symlink(entry.get(), about.target.c_str());
    archive_entry_set_ino64(entry.get(), about.inode.number);
    archive_entry_set_nlink(entry.get(), about.inode.names);
    archive_entry_set_mtime(entry.get(), 0, 0);
    archive_entry_set_uid(entry.get(), 0);
    archive_entry_set_gid(entry.get(), 0);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
    ok_ = ok_ && archive_write_header(archive_.get(), entry.get()) == ARCHIVE_OK &&
          archive_write_data(archive_.get(), content.data(), content.size()) ==
              static_cast<la_ssize_t>(content.size());
  }

  std::unique_ptr<archive, decltype(&archive_write_free)> archive_;
  bool ok_;
};

/// A file beside the one that it is to become; gone unless it became it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& final_path)
      : name_(final_path.string() + ".XXXXXX"), fd_(::mkostemp(name_.data(), O_CLOEXEC)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!renamed_) ::unlink(name_.c_str());
  }
  int fd() const { return fd_; }
  bool rename_to(const fs::path& final_path) {
    return renamed_ = ::rename(name_.c_str(), final_path.c_str()) == 0;
  }

 private:
  std::string name_;
  int fd_;
  bool renamed_ = false;
};

std::map<std::string, Inode> inodes_of(const CpioContents& contents) {
  std::map<std::string, Inode> inodes;
  for (const auto& [name, file] : contents.hard_links) {
    auto& inode = inodes[file];
    if (inode.number == 0) inode.number = static_cast<la_int64_t>(inodes.size());
    ++inode.names;
  }
  return inodes;
}

}  // namespace

Expected<void> write_cpio(const CpioContents& contents, const fs::path& output) {
  const auto cannot_write = [&output](const std::string& reason) {
    return could_not_start("cannot write the archive " + output.string() + ": " + reason);
  };
  TemporaryFile file(output);
  if (file.fd() < 0) return cannot_write(std::strerror(errno));
  Writer writer(file.fd());
  for (const auto& [name, mode] : contents.directories) writer.directory(name, mode);
  for (const auto& [name, number] : contents.devices) writer.device(name, number);
  const auto inodes = inodes_of(contents);
  for (const auto& [name, content] : contents.files) {
    const auto shared = inodes.find(name);
    writer.file(name, content, shared != inodes.end() ? shared->second : Inode{});
  }
  for (const auto& [name, target] : contents.symlinks) writer.symlink(name, target);
  for (const auto& [name, file] : contents.hard_links) {
    writer.hard_link(name, contents.files.at(file).mode, inodes.at(file));
  }
  if (!writer.close()) return cannot_write(writer.error());
  if (!file.rename_to(output)) return cannot_write(std::strerror(errno));
  return {};
}

}  // namespace nsgate::lab
