// SPDX-License-Identifier: Apache-2.0
//
// `nsgate`: boots Linux kernels in virtual machines and says whether entering a network namespace
// works in them.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>

#include "lab/base/interrupt.h"
#include "lab/base/offline.h"
#include "lab/base/user_folders.h"
#include "lab/commands/cache_command.h"
#include "lab/commands/count_command.h"
#include "lab/commands/doctor_command.h"
#include "lab/commands/farm_command.h"
#include "lab/commands/kernel_commands.h"
#include "lab/commands/matrix_command.h"
#include "lab/commands/probe_command.h"
#include "lab/commands/report_command.h"
#include "lab/commands/repro_command.h"
#include "lab/commands/run_command.h"
#include "lab/commands/shell_command.h"
#include "lab/commands/userland_command.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

constexpr const char* exit_codes = R"(Exit codes:
  0    a cell passed, and none did worse than to be skipped
  1    a test failed, or the kernel broke while a test ran
  2    a guest or its frames broke: no verdict about the kernel
  3    no results
  4    every test was skipped, as predicted
  124  a guest hung, or its time ran out
  125  nothing was tested: missing kernel or QEMU, or unusable arguments
  130  interrupted; what was there is kept
So `git bisect run nsgate run --kernel ./bzImage` works: it skips a commit at 125 and takes every
other code but 0 for bad, a kernel that does not boot too. With --bisect only a failed test is bad,
and whatever gave no verdict (2, 3, 4, 124) is 125.)";

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("nsgate"));
  spdlog::set_pattern("nsgate: %v");
  catch_interrupts();

  const fs::path vm = NSGATE_VM_DIR;
  CommandContext context{.data = vm,
                         .store = {.catalogue = vm / "kernels.toml",
                                   .lockfile = vm / "kernels.lock.json",
                                   .cache = cache_folder(),
                                   .offline = offline_by_environment()},
                         .userlands = {.catalogue = vm / "userlands.toml",
                                       .cache = cache_folder() / "userlands",
                                       .offline = offline_by_environment()},
                         .exit = ExitCode::pass};
  CLI::App app("Validates network-namespace entry on Linux kernels, in virtual machines");
  app.footer(exit_codes);
  app.set_version_flag("--version", "nsgate " NSGATE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag_callback(
      "-v,--verbose", [] { spdlog::set_level(spdlog::level::debug); }, "Say more on stderr");
  app.add_flag_callback(
      "-q,--quiet", [] { spdlog::set_level(spdlog::level::warn); },
      "Say only what went wrong on stderr");
  const std::vector<fs::path> carried{NSGATE_PAYLOAD_HELPER, NSGATE_PAYLOAD_ENTER};
  const Payload tests{.program = NSGATE_PAYLOAD, .carried = carried};
  const LabFiles files{.data = vm,
                       .init = NSGATE_INIT,
                       .tests = tests,
                       .dynamic_tests = {.program = NSGATE_PAYLOAD_DYNAMIC, .carried = carried}};
  add_run_command(app, context, files);
  add_repro_command(app, context, files);
  add_shell_command(app, context, files);
  add_matrix_command(app, context);
  add_count_command(app, context, {.program = NSGATE_COUNTS, .carried = {NSGATE_NOTHING}});
  add_kernel_commands(app, context);
  add_userland_command(app, context);
  add_cache_command(app, context, cache_folder());
  add_probe_command(app, context, files.init);
  add_doctor_command(app, context, files);
  add_farm_command(app, context);
  add_report_command(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::could_not_start);
  }
  return static_cast<int>(context.exit);
}

}  // namespace
}  // namespace nsgate::lab

int main(int argc, char** argv) { return nsgate::lab::main(argc, argv); }
