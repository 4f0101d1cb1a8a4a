// SPDX-License-Identifier: Apache-2.0
//
// What a user asks `nsgate run` for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "frame/plan.h"
#include "lab/image/image.h"
#include "lab/machine/guest_watch.h"

namespace nsgate::lab {

struct RunRequest {
  std::vector<std::string> kernels;  ///< empty: all of the catalogue
  std::vector<frame::User> users{frame::User::root, frame::User::rootless};
  Payload payload;
  std::string filter = "*";
  std::string profile = "debian-default";
  std::size_t jobs = 1;
  std::filesystem::path output;
  Deadlines deadlines;
};

/// The command line, quoted for a shell, that runs one cell of the request again.
std::string command_line(const std::string& nsgate, const RunRequest& request,
                         const std::string& kernel, frame::User user);

}  // namespace nsgate::lab
