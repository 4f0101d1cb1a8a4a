// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/guest_parts.h"

#include <sys/random.h>

#include <array>
#include <utility>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace fs = std::filesystem;

Expected<std::string> make_nonce() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return could_not_start("getrandom gave no random bytes for the frames' nonce");
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string nonce;
  for (const auto byte : bytes) {
    nonce += digits[byte >> 4];
    nonce += digits[byte & 15];
  }
  return nonce;
}

frame::Plan plan_of(const CellSetup& setup, const Cell& cell, const std::string& nonce,
                    std::vector<std::string> tests) {
  return {.nonce = nonce,
          .user = cell.spec.user,
          .test_deadline = setup.deadlines.test,
          .modules = modules_in_guest(cell.kernel.modules),
          .settings = cell.profile.settings,
          .environment = cell.spec.environment,
          .program = path_in_guest(cell.payload),
          .tests = std::move(tests)};
}

ImageParts image_parts(const CellSetup& setup, const Cell& cell) {
  return {.init = setup.init,
          .payload = cell.payload,
          .modules = cell.kernel.modules,
          .policies = cell.policies,
          .userland = cell.userland.archive};
}

Machine machine_of(const CellSetup& setup, const Cell& cell, Accelerator accelerator,
                   const fs::path& image, const fs::path& console) {
  return {.kernel = cell.kernel.image,
          .initrd = image,
          .console = console,
          .accelerator = accelerator,
          .memory_mib = memory_mib(cell.userland),
          .kernel_arguments = cell.profile.kernel_arguments,
          .gdb_port = setup.gdb_port};
}

}  // namespace nsgate::lab
