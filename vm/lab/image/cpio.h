// SPDX-License-Identifier: Apache-2.0
//
// The archive that the kernel unpacks as its initramfs: cpio, "newc", uncompressed.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>

#include "lab/base/failure.h"

namespace nsgate::lab {

/// By path in the guest without the leading slash; the order of a map puts a directory before what
/// lies in it.
struct CpioContents {
  struct File {
    mode_t mode;
    std::string content;
  };
  std::map<std::string, mode_t> directories;
  std::map<std::string, dev_t> devices;  ///< character devices
  std::map<std::string, File> files;
  std::map<std::string, std::string> symlinks{};    ///< to what they say
  std::map<std::string, std::string> hard_links{};  ///< to names in `files`
};

/// Writes directories, devices, files, symbolic and hard links, in this order, so nothing may lie
/// behind a symbolic link: the same bytes for the same contents, all of it root's and of time 0.
/// The file is for the caller alone (0600), and appears in one step. Fails with could_not_start,
/// naming `output`, and leaves no half-written file. Thread-safe.
Expected<void> write_cpio(const CpioContents& contents, const std::filesystem::path& output);

}  // namespace nsgate::lab
