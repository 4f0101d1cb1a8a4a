// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/decompress.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;

/// Without the filters that run programs (lzop, lrzip, grzip), which support_filter_all has.
Reader new_reader() {
  Reader reader(archive_read_new(), archive_read_free);
  for (const auto support : {archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
                             archive_read_support_filter_xz, archive_read_support_filter_lzma,
                             archive_read_support_filter_zstd, archive_read_support_filter_lz4,
                             archive_read_support_format_raw}) {
    support(reader.get());
  }
  return reader;
}

std::string reason(archive* reader) {
  const char* text = archive_error_string(reader);
  std::string why = text != nullptr ? text : "unknown error";
  if (const int error = archive_errno(reader); error > 0) {
    why += std::string(" (") + std::strerror(error) + ")";
  }
  return why;
}

/// An empty answer is success.
std::string write_all(archive* reader, const std::filesystem::path& to) {
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return to.string() + ": " + std::strerror(errno);
  std::string failure;
  if (archive_read_data_into_fd(reader, fd) != ARCHIVE_OK) {
    failure = reason(reader);
  } else if (::fsync(fd) != 0) {
    failure = to.string() + ": " + std::strerror(errno);
  }
  // Some file systems tell of a full disk only at close.
  if (::close(fd) != 0 && failure.empty()) failure = to.string() + ": " + std::strerror(errno);
  if (!failure.empty()) ::unlink(to.c_str());
  return failure;
}

}  // namespace

Expected<void> decompress_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  const auto failed = [&](const std::string& why) {
    return could_not_start("cannot decompress " + from.string() + ": " + why);
  };
  const Reader reader = new_reader();
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(reader.get(), from.c_str(), 65536) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return failed(reason(reader.get()));
  }
  if (const auto failure = write_all(reader.get(), to); !failure.empty()) return failed(failure);
  return {};
}

std::string decompress_beginning(std::string_view bytes, std::size_t limit) {
  const Reader reader = new_reader();
  archive_entry* entry = nullptr;
  std::string all;
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return all;
  }
  constexpr std::size_t step = 1 << 16;
  while (all.size() < limit) {
    const auto before = all.size();
    all.resize(before + std::min(step, limit - before));
    const auto got = archive_read_data(reader.get(), all.data() + before, all.size() - before);
    all.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got <= 0) break;
  }
  return all;
}

}  // namespace nsgate::lab
