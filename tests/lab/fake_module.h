// SPDX-License-Identifier: Apache-2.0
//
// The smallest files that libkmod takes for kernel modules, and QEMU for an uncompressed kernel.
#pragma once

#include <elf.h>

#include <cstring>
#include <string>
#include <string_view>

namespace nsgate::lab {

template <typename T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

inline Elf64_Ehdr elf_header(Elf64_Half type) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = type;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  return header;
}

/// An object file with the section .modinfo, as modpost writes it. `depends` has commas between.
inline std::string fake_module(const std::string& release, const std::string& depends = "",
                               const std::string& softdep = "") {
  std::string info = "license=GPL" + std::string(1, '\0') + "depends=" + depends + '\0';
  if (!softdep.empty()) info += "softdep=" + softdep + '\0';
  info += "vermagic=" + release + " SMP mod_unload " + '\0';
  const std::string names("\0.modinfo\0.shstrtab\0", 20);

  auto header = elf_header(ET_REL);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  header.e_shoff = sizeof(header);
  const Elf64_Off data = sizeof(header) + 3 * sizeof(Elf64_Shdr);
  Elf64_Shdr modinfo{};
  modinfo.sh_name = 1;
  modinfo.sh_type = SHT_PROGBITS;
  modinfo.sh_offset = data;
  modinfo.sh_size = info.size();
  Elf64_Shdr strings{};
  strings.sh_name = 10;
  strings.sh_type = SHT_STRTAB;
  strings.sh_offset = data + info.size();
  strings.sh_size = names.size();
  return bytes_of(header) + bytes_of(Elf64_Shdr{}) + bytes_of(modinfo) + bytes_of(strings) + info +
         names;
}

/// An ELF kernel that names itself. `note` is the type of its one note of owner "Xen"; 18 is that
/// of the PVH entry point.
inline std::string fake_vmlinux(const std::string& release, Elf64_Word note = 18,
                                const std::string& more = "") {
  auto header = elf_header(ET_EXEC);
  header.e_phnum = 1;
  header.e_phoff = sizeof(header);
  const Elf64_Nhdr head{.n_namesz = 4, .n_descsz = 8, .n_type = note};
  const std::string notes = bytes_of(head) + std::string("Xen\0", 4) + std::string(8, '\x10');
  Elf64_Phdr segment{};
  segment.p_type = PT_NOTE;
  segment.p_offset = sizeof(header) + sizeof(segment);
  segment.p_filesz = notes.size();
  return bytes_of(header) + bytes_of(segment) + notes +
         "%s version %s, Linux version %s Linux version " + release + " (somebody@somewhere) #1" +
         more;
}

}  // namespace nsgate::lab
