// SPDX-License-Identifier: Apache-2.0
#include "lab/image/shared_libraries.h"

#include <elf.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "lab/base/could_not_start.h"
#include "lab/base/process.h"

namespace nsgate::lab {
namespace {

constexpr std::chrono::seconds loader_deadline{30};

std::unexpected<Failure> unusable(const std::filesystem::path& program, const std::string& reason) {
  return could_not_start(program.string() + " " + reason);
}

template <typename T>
std::optional<T> read_at(std::istream& file, std::uint64_t offset) {
  T value{};
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(&value), sizeof value);
  if (!file) return std::nullopt;
  return value;
}

/// The loader that the program names; nothing for a static program and for other files.
Expected<std::optional<std::string>> find_loader(const std::filesystem::path& program) {
  std::ifstream file(program, std::ios::binary);
  if (!file) return unusable(program, "cannot be read: " + std::string(std::strerror(errno)));
  const auto header = read_at<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return std::nullopt;
  if (header->e_ident[EI_CLASS] != ELFCLASS64) return unusable(program, "is not a 64-bit program");
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    const auto segment =
        read_at<Elf64_Phdr>(file, header->e_phoff + std::uint64_t{i} * header->e_phentsize);
    if (!segment) return unusable(program, "is cut off in its program headers");
    if (segment->p_type != PT_INTERP) continue;
    std::string loader(segment->p_filesz, '\0');
    file.seekg(static_cast<std::streamoff>(segment->p_offset));
    if (!file.read(loader.data(), static_cast<std::streamsize>(loader.size()))) {
      return unusable(program, "is cut off in the name of its loader");
    }
    return loader.substr(0, loader.find('\0'));
  }
  return std::nullopt;
}

/// One line of the loader's list: "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f…)".
/// Without an arrow it is the loader itself or the vdso, which is no file.
std::string_view path_of(std::string_view line) {
  constexpr std::string_view arrow = " => ";
  const auto at = line.find(arrow);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + arrow.size());
  return line.substr(0, line.rfind(" ("));
}

}  // namespace

Expected<std::vector<std::filesystem::path>> shared_libraries(
    const std::filesystem::path& program) {
  const auto loader = find_loader(program);
  if (!loader) return std::unexpected(loader.error());
  if (!*loader) return std::vector<std::filesystem::path>{};

  ProcessOptions list;
  // The empty library path stands in for LD_LIBRARY_PATH, which added variables cannot do: of two
  // equal names the loader heeds the last.
  list.argv = {**loader, "--inhibit-cache", "--library-path",
               "",       "--list",          std::filesystem::absolute(program).string()};
  const auto listed = run(list, loader_deadline);
  if (!listed) return std::unexpected(listed.error());
  if (!listed->ok()) {
    return unusable(program,
                    "would not start in a guest; install what it misses in a default "
                    "directory or link it statically: " +
                        listed->err);
  }
  std::vector<std::filesystem::path> paths{**loader};
  std::istringstream lines(listed->out);
  for (std::string line; std::getline(lines, line);) {
    const auto path = path_of(line);
    if (path.empty()) continue;
    if (!path.starts_with('/')) return unusable(program, "has a library at no fixed place:" + line);
    paths.emplace_back(path);
  }
  return paths;
}

}  // namespace nsgate::lab
