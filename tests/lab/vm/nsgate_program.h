// SPDX-License-Identifier: Apache-2.0
//
// `nsgate` as a user runs it, and the kernel to run it with: $NSGATE_KERNEL, a series or a bzImage,
// or 6.1.
#pragma once

#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "lab/base/process.h"

namespace nsgate::lab {

using Words = std::vector<std::string>;

struct Answer {
  int exit = -1;
  std::string out;
  std::string err;
};

inline int exit_code(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
}

inline Answer answer_of(const Words& argv, const Words& env = {},
                        const std::filesystem::path& folder = {},
                        std::chrono::seconds deadline = std::chrono::seconds(280)) {
  const auto done = run({.argv = argv, .extra_env = env, .working_directory = folder}, deadline);
  if (!done) return {-1, "", done.error().message};
  return {exit_code(done->wait_status), done->out, done->err};
}

inline Answer nsgate(const Words& words, const Words& env = {}) {
  Words argv{NSGATE_PROGRAM};
  argv.insert(argv.end(), words.begin(), words.end());
  return answer_of(argv, env);
}

inline std::string test_kernel() {
  const char* const kernel = std::getenv("NSGATE_KERNEL");
  return kernel != nullptr ? kernel : "6.1";
}

/// Its image, for a test that needs a kernel by its path.
inline std::filesystem::path test_kernel_image() {
  const auto kernel = test_kernel();
  if (kernel.contains('/')) return std::filesystem::absolute(kernel);
  const auto listed = nsgate({"kernel", "list", "--json"});
  for (const auto& known : nlohmann::json::parse(listed.out)) {
    if (known.at("name") == kernel) return known.at("image").get<std::string>();
  }
  throw std::runtime_error("nsgate knows no kernel " + kernel);
}

}  // namespace nsgate::lab
