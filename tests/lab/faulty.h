// SPDX-License-Identifier: Apache-2.0
//
// What the payload that misbehaves on purpose has in common: it refuses to run outside a guest.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

class Faulty : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_in_a_guest()) FAIL() << "only for a guest of nsgate: it would break this machine";
  }

 private:
  static bool is_in_a_guest() {
    std::string first_process;
    std::getline(std::ifstream("/proc/1/comm"), first_process);
    return first_process == "init" && std::filesystem::is_directory("/nsgate") &&
           std::filesystem::is_directory("/payload");
  }
};

[[noreturn]] inline void stay() {
  for (;;) ::pause();
}
