// SPDX-License-Identifier: Apache-2.0
//
// The smallest file that the x86 boot protocol calls a kernel.
#pragma once

#include <string>

namespace nsgate::lab {

/// One setup sector and one paragraph of "kernel"; offsets from Documentation/arch/x86/boot.rst.
inline std::string tiny_kernel(const std::string& release) {
  std::string image(1024 + 16, '\0');
  image[0x1f1] = 1;                 // setup_sects
  image[0x1f4] = 1;                 // syssize, in paragraphs
  image.replace(0x202, 4, "HdrS");  // magic
  image[0x20f] = 0x01;              // kernel_version: 0x100, from 0x200 on
  image[0x211] = 1;                 // loadflags: LOADED_HIGH
  const std::string version = release + " (somebody@somewhere) #1 SMP";
  image.replace(0x300, version.size(), version);
  return image;
}

}  // namespace nsgate::lab
