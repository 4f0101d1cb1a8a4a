// SPDX-License-Identifier: Apache-2.0
//
// The initramfs of a guest: the userland, then init and the payload with the shared libraries it
// needs, then the plan, each a cpio archive; the kernel unpacks one after the other
// (Documentation/driver-api/early-userspace/buffer-format.rst).
//
//   ImageBuilder images;
//   images.build({.init = init, .payload = tests}, plan, folder / "initramfs.cpio");
//
// All but the plan is the same for many guests and is assembled once.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "frame/plan.h"
#include "lab/base/failure.h"

namespace nsgate::lab {

/// A GoogleTest program and the files it expects beside itself. No program: a guest of init alone,
/// whose plan has no tests.
struct Payload {
  std::filesystem::path program;
  std::vector<std::filesystem::path> carried;
};

/// The program as the guest sees it, for the plan.
std::string path_in_guest(const Payload& payload);

struct ImageParts {
  std::filesystem::path init;
  Payload payload;
  std::vector<std::filesystem::path> modules{};   ///< in the order to load them
  std::vector<std::filesystem::path> policies{};  ///< for /nsgate/policy
  std::filesystem::path userland{};  ///< a cpio archive; empty: the payload brings its libraries
};

/// The modules as the guest sees them, for the plan.
std::vector<std::string> modules_in_guest(const std::vector<std::filesystem::path>& modules);

/// Thread-safe.
class ImageBuilder {
 public:
  ImageBuilder() = default;
  ImageBuilder(const ImageBuilder&) = delete;
  ImageBuilder& operator=(const ImageBuilder&) = delete;
  ~ImageBuilder();

  /// Writes an uncompressed cpio (newc) archive to `output`, the same bytes for the same inputs,
  /// for the caller alone (0600). Everything but the userland belongs to root. Fails with
  /// could_not_start, naming the file, when a part is missing or the disk is full; no half-written
  /// archive is left behind.
  Expected<void> build(const ImageParts& parts, const frame::Plan& plan,
                       const std::filesystem::path& output);

 private:
  Expected<std::filesystem::path> body_of(const ImageParts& parts);

  std::mutex mutex_;
  std::filesystem::path scratch_;                        ///< made when it is needed
  std::map<std::string, std::filesystem::path> bodies_;  ///< by what is in them
};

}  // namespace nsgate::lab
