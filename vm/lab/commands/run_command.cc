// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/run_command.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>

#include "lab/base/utc_time.h"
#include "lab/report/table.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

/// What CLI11 fills in, in its own types.
struct Arguments {
  std::vector<std::string> kernels;
  std::vector<std::string> users{"root", "rootless"};
  std::string payload;
  std::vector<std::string> carried;
  std::string filter = "*";
  std::size_t jobs = std::max(1u, std::thread::hardware_concurrency());
  std::string output;
  long boot = 60;
  long silence = 30;
  long cell = 300;
  long test = 45;
  bool json = false;
  bool offline = false;
};

/// ${XDG_STATE_HOME:-~/.local/state}/nsgate/results/<UTC time>-<pid>: two runs never share one.
fs::path default_output() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return fs::path(value != nullptr ? value : "");
  };
  auto state = variable("XDG_STATE_HOME");
  if (!state.is_absolute()) state = variable("HOME") / ".local" / "state";
  const auto when = utc_time("%Y%m%dT%H%M%SZ");
  return state / "nsgate" / "results" / (when + '-' + std::to_string(::getpid()));
}

std::vector<std::string> without_repeats(const std::vector<std::string>& values) {
  std::vector<std::string> kept;
  for (const auto& value : values) {
    if (std::ranges::find(kept, value) == kept.end()) kept.push_back(value);
  }
  return kept;
}

RunRequest request_of(const Arguments& arguments, const Payload& default_payload) {
  Payload payload = default_payload;
  if (!arguments.payload.empty()) payload = {.program = arguments.payload, .carried = {}};
  for (const auto& file : arguments.carried) payload.carried.emplace_back(file);
  std::vector<frame::User> users;
  for (const auto& name : without_repeats(arguments.users)) {
    users.push_back(name == "root" ? frame::User::root : frame::User::rootless);
  }
  return {.kernels = without_repeats(arguments.kernels),
          .users = users,
          .payload = payload,
          .filter = arguments.filter,
          .jobs = arguments.jobs,
          .output = arguments.output.empty() ? default_output() : fs::path(arguments.output),
          .deadlines = {.boot = std::chrono::seconds(arguments.boot),
                        .silence = std::chrono::seconds(arguments.silence),
                        .cell = std::chrono::seconds(arguments.cell),
                        .test = std::chrono::seconds(arguments.test)}};
}

bool colour_wanted() {
  const char* const no_color = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

ExitCode run_and_print(const Arguments& arguments, const KernelStore::Options& store,
                       const GuestParts& parts, const Payload& payload) {
  const auto run = run_matrix(request_of(arguments, payload), store, parts);
  if (!run) {
    spdlog::error(run.error().message);
    return run.error().code;
  }
  std::cout << (arguments.json ? dump(to_json(*run)) : table(*run, colour_wanted())) << std::flush;
  if (std::cout) return run->code;
  spdlog::error("cannot write the results to stdout; they are in {}", run->folder.string());
  return gravest({run->code, ExitCode::infrastructure});
}

}  // namespace

void add_run_command(CLI::App& app, CommandContext& context, const GuestParts& parts,
                     const Payload& payload) {
  auto* run = app.add_subcommand("run", "Boot kernels and run the tests in them");
  const auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  constexpr long longest = 86400;
  run->add_option("--kernel", a.kernels,
                  "Series such as 6.1, or path of a bzImage, vmlinux, build tree, .deb")
      ->allow_extra_args(false);
  run->add_option("--user", a.users, "root or rootless; default: both")
      ->check(CLI::IsMember({"root", "rootless"}))
      ->allow_extra_args(false);
  run->add_option("--payload", a.payload, "GoogleTest program; default: nsgate's own tests");
  run->add_option("--carry", a.carried, "File to lay beside the payload")->allow_extra_args(false);
  run->add_option("--filter", a.filter, "GoogleTest filter of the tests to run");
  run->add_option("-j,--jobs", a.jobs, "Guests at a time; default: one a processor")
      ->check(CLI::Range(1, 1024));
  run->add_option("-o,--output", a.output, "Folder for the results");
  run->add_option("--cell-deadline", a.cell, "Seconds for one guest, boot included (300)")
      ->check(CLI::Range(1L, longest));
  run->add_option("--test-deadline", a.test, "Seconds for one test, by the guest's clock (45)")
      ->check(CLI::Range(1L, longest));
  run->add_option("--silence", a.silence)->check(CLI::Range(1L, longest))->group("");
  run->add_flag("--json", a.json, "Print the results as data instead of a table");
  run->add_flag("--offline", a.offline, "Never use the network");
  run->callback([&context, parts, payload, arguments] {
    auto store = context.store;
    store.offline = arguments->offline;
    context.exit = run_and_print(*arguments, store, parts, payload);
  });
}

}  // namespace nsgate::lab
