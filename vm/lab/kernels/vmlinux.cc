// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/vmlinux.h"

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <optional>

#include "lab/base/could_not_start.h"
#include "lab/kernels/mapped_file.h"

namespace nsgate::lab {
namespace {

constexpr Elf64_Word phys32_entry = 18;

/// The file may end anywhere, and any number in it may be wrong.
template <typename T>
std::optional<T> read_at(std::string_view bytes, std::uint64_t at) {
  if (at > bytes.size() || bytes.size() - at < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

constexpr std::uint64_t padded(std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; }

bool has_pvh_note(std::string_view notes) {
  std::uint64_t at = 0;
  while (const auto note = read_at<Elf64_Nhdr>(notes, at)) {
    const auto name = at + sizeof(Elf64_Nhdr);
    if (note->n_type == phys32_entry && note->n_namesz == 4 && name + 4 <= notes.size() &&
        notes.substr(name, 4) == std::string_view("Xen\0", 4)) {
      return true;
    }
    at = name + padded(note->n_namesz) + padded(note->n_descsz);
  }
  return false;
}

enum class Notes { cut, no_pvh, pvh };

Notes look_at_notes(std::string_view bytes, const Elf64_Ehdr& header) {
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    // e_phoff + … may wrap around, but then lies within the file or is cut, both of which are safe.
    const auto segment = read_at<Elf64_Phdr>(bytes, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment || segment->p_offset > bytes.size() ||
        segment->p_filesz > bytes.size() - segment->p_offset) {
      return Notes::cut;
    }
    if (segment->p_type == PT_NOTE &&
        has_pvh_note(bytes.substr(segment->p_offset, segment->p_filesz))) {
      return Notes::pvh;
    }
  }
  return Notes::no_pvh;
}

/// linux_banner (init/version.c): "Linux version 6.1.0-9-amd64 (debian-kernel@…) …".
std::string release_in(std::string_view bytes) {
  constexpr std::string_view banner = "Linux version ";
  constexpr std::size_t longest = 64;  // __NEW_UTS_LEN
  std::size_t at = 0;
  while (const void* found =
             ::memmem(bytes.data() + at, bytes.size() - at, banner.data(), banner.size())) {
    at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) + banner.size();
    const auto text = bytes.substr(at, longest + 1);
    const auto end = text.find(' ');
    if (end != text.npos && end > 0 && text.front() >= '0' && text.front() <= '9') {
      return std::string(text.substr(0, end));
    }
  }
  return {};
}

}  // namespace

bool is_elf(std::string_view bytes) { return bytes.starts_with(std::string_view(ELFMAG, SELFMAG)); }

Expected<Vmlinux> read_vmlinux(const std::filesystem::path& file) {
  const auto mapped = MappedFile::open(file);
  if (!mapped) return std::unexpected(mapped.error());
  const auto bytes = mapped->bytes();
  const auto refused = [&](const std::string& why) { return could_not_start(file.string() + why); };
  const auto header = read_at<Elf64_Ehdr>(bytes, 0);
  if (!header || !is_elf(bytes)) return refused(" is no vmlinux: it is no ELF file");
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64) {
    return refused(" is no vmlinux for x86-64: it is ELF for another processor (e_machine " +
                   std::to_string(header->e_machine) + "); build with ARCH=x86_64");
  }
  if (header->e_type == ET_REL) {
    return refused(
        " is no kernel but an object file; in a build tree the kernel is vmlinux or "
        "arch/x86/boot/bzImage");
  }
  switch (look_at_notes(bytes, *header)) {
    case Notes::cut:
      return refused(" is cut: it ends before its ELF segments do; copy or build it again");
    case Notes::no_pvh:
      return refused(
          " lacks the ELF note of a PVH entry point, by which QEMU boots a vmlinux: build the "
          "kernel with CONFIG_PVH=y, or give its arch/x86/boot/bzImage");
    case Notes::pvh:
      break;
  }
  return Vmlinux{release_in(bytes)};
}

}  // namespace nsgate::lab
