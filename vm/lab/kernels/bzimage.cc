// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/bzimage.h"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string_view>
#include <system_error>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

// Offsets from the start of the file; boot.rst, "The Real-Mode Kernel Header".
constexpr std::size_t setup_sects_at = 0x1f1;
constexpr std::size_t syssize_at = 0x1f4;
constexpr std::size_t magic_at = 0x202;
constexpr std::size_t protocol_at = 0x206;
constexpr std::size_t kernel_version_at = 0x20e;
constexpr std::size_t loadflags_at = 0x211;
constexpr std::size_t header_end = 0x214;
constexpr std::size_t payload_offset_at = 0x248;
constexpr std::size_t payload_length_at = 0x24c;
constexpr std::size_t payload_header_end = 0x250;
constexpr std::size_t sector = 512;

std::uintmax_t little_endian(std::string_view bytes) {
  std::uintmax_t value = 0;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    value = value << 8 | static_cast<unsigned char>(*byte);
  }
  return value;
}

/// The pointer counts from the end of the boot sector, and the text ("6.1.0-56-cloud-amd64
/// (debian-kernel@…) #1 SMP …") must lie within the setup code.
std::string release_in(std::string_view setup) {
  const auto pointer = little_endian(setup.substr(kernel_version_at, 2));
  if (pointer == 0 || pointer + sector >= setup.size()) return {};
  const auto text = setup.substr(pointer + sector);
  return std::string(text.substr(0, text.find_first_of(std::string_view(" \0", 2))));
}

/// In bytes, the boot sector included; boot.rst: 0 stands for 4 sectors.
std::uintmax_t size_of_setup(std::string_view image) {
  const auto sectors = little_endian(image.substr(setup_sects_at, 1));
  return ((sectors == 0 ? 4 : sectors) + 1) * sector;
}

}  // namespace

Expected<BzImage> read_bzimage(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    return could_not_start("no kernel at " + file.string() + ": " +
                           (error ? error.message() : "no such file"));
  }
  if (!std::filesystem::is_regular_file(status)) {
    return could_not_start(file.string() +
                           " is no bzImage: it is no regular file; in a build tree "
                           "of Linux the image is arch/x86/boot/bzImage");
  }
  const auto size = std::filesystem::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  // setup_sects is one byte, so the setup code cannot be longer than this.
  std::string setup(256 * sector, '\0');
  in.read(setup.data(), static_cast<std::streamsize>(setup.size()));
  if (error || in.bad() || !in.is_open()) return could_not_start("cannot read " + file.string());
  setup.resize(static_cast<std::size_t>(in.gcount()));

  if (setup.size() < header_end || setup.substr(magic_at, 4) != "HdrS") {
    return could_not_start(file.string() +
                           " is no bzImage: it lacks the boot protocol's HdrS at "
                           "0x202; in a build tree of Linux for x86 the image is "
                           "arch/x86/boot/bzImage");
  }
  if ((setup[loadflags_at] & 1) == 0) {
    return could_not_start(file.string() + " is no bzImage: it asks to be loaded low, as a zImage");
  }
  const auto setup_size = size_of_setup(setup);
  const auto whole = setup_size + 16 * little_endian(std::string_view(setup).substr(syssize_at, 4));
  if (size < whole) {
    return could_not_start(file.string() + " is no whole bzImage: its header promises " +
                           std::to_string(whole) + " bytes and it has " + std::to_string(size));
  }
  return BzImage{release_in(std::string_view(setup).substr(0, setup_size))};
}

std::string_view compressed_kernel(std::string_view image) {
  if (image.size() < payload_header_end || image.substr(magic_at, 4) != "HdrS" ||
      little_endian(image.substr(protocol_at, 2)) < 0x0208) {
    return {};
  }
  const auto begin = size_of_setup(image) + little_endian(image.substr(payload_offset_at, 4));
  if (begin > image.size()) return {};
  auto payload = image.substr(begin, little_endian(image.substr(payload_length_at, 4)));
  // gzip says itself how much it unpacks to; to all others the build appends that in four bytes
  // (scripts/Makefile.lib, size_append), which would be an error to their decompressors.
  constexpr std::string_view gzip = "\x1f\x8b";
  if (!payload.starts_with(gzip) && payload.size() >= 4) payload.remove_suffix(4);
  return payload;
}

}  // namespace nsgate::lab
