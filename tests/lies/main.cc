// SPDX-License-Identifier: Apache-2.0
//
// nsgate_liar: runs a program under a kernel that lies.
//
//   nsgate_liar setns-does-nothing -- nsgate_tests --gtest_filter=InNetns.*
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>

#include "lies/lies.h"
#include "lies/tracer.h"

namespace {

constexpr int unusable = 125;  // as env(1) says it of itself

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs a program, and all that it starts, under a kernel that lies.");
  std::string name;
  std::string report;
  bool list = false;
  bool truthful = false;
  app.add_option("LIE", name, "which; --list tells them all");
  app.add_flag("--list", list, "print each lie, and what it is");
  app.add_flag("--truthful", truthful, "stop everything in the same places and change nothing");
  app.add_option("--told", report, "a file to write to how often the kernel lied");
  app.prefix_command();
  CLI11_PARSE(app, argc, argv);

  const auto lies = nsgate::lies::all_lies();
  if (list) {
    for (const auto& lie : lies) std::cout << lie.name << '\t' << lie.what << '\n';
    return 0;
  }
  auto command = app.remaining();
  if (!command.empty() && command.front() == "--") command.erase(command.begin());
  const auto lie = std::ranges::find(lies, name, &nsgate::lies::Lie::name);
  if (lie == lies.end() || command.empty()) {
    std::cerr << "nsgate_liar: " << (command.empty() ? "no program" : "no such lie: " + name)
              << '\n';
    return unusable;
  }
  try {
    const auto run = nsgate::lies::run(command, *lie, truthful);
    if (!report.empty()) std::ofstream(report) << run.told << '\n';
    return run.exit_code;
  } catch (const std::exception& error) {
    std::cerr << "nsgate_liar: " << error.what() << '\n';
    return unusable;
  }
}
