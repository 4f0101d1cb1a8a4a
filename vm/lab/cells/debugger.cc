// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/debugger.h"

#include "lab/cells/run_request.h"

namespace nsgate::lab {
namespace fs = std::filesystem;

fs::path vmlinux_of(const Kernel& kernel, const fs::path& debug) {
  std::error_code ignored;
  // <tree>/arch/x86/boot/bzImage
  const auto tree = kernel.image.parent_path().parent_path().parent_path().parent_path();
  for (const auto& file :
       {fs::path(kernel.name) / "vmlinux", kernel.image.parent_path() / "vmlinux", tree / "vmlinux",
        debug / "boot" / ("vmlinux-" + kernel.release),
        debug / "lib/modules" / kernel.release / "vmlinux"}) {
    if (fs::is_regular_file(file, ignored)) return fs::absolute(file, ignored);
  }
  return {};
}

std::string gdb_hint(const Kernel& kernel, std::uint16_t port, const fs::path& debug) {
  const auto vmlinux = vmlinux_of(kernel, debug);
  std::vector<std::string> words{"gdb"};
  if (!vmlinux.empty()) words.push_back(vmlinux.string());
  words.insert(words.end(), {"-ex", "target remote 127.0.0.1:" + std::to_string(port)});
  auto text = "the guest waits for a debugger: " + quoted_for_shell(words);
  if (!vmlinux.empty()) return text;
  text += "; no vmlinux with symbols was found";
  // Debian's kernels have a package version; their symbols are in a package beside.
  return kernel.package_version.empty()
             ? text + ": keep the one of the build beside " + kernel.image.string()
             : text + ": install linux-image-" + kernel.release + "-dbg of version " +
                   kernel.package_version;
}

}  // namespace nsgate::lab
