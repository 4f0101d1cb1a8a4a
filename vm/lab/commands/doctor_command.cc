// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/doctor_command.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lab/base/user_folders.h"
#include "lab/commands/colour.h"
#include "lab/doctor/host_checks.h"
#include "lab/machine/accelerator.h"

namespace nsgate::lab {
namespace {

using Level = Check::Level;
using Checks = std::vector<Check>;

std::string_view word(Level level) {
  switch (level) {
    case Level::ok:
      return "ok";
    case Level::warn:
      return "warn";
    case Level::missing:
      break;
  }
  return "missing";
}

std::string coloured(Level level) {
  const auto padded = fmt::format("{:<7}", word(level));
  if (!stdout_wants_colour()) return padded;
  const int colour = level == Level::ok ? 32 : level == Level::warn ? 33 : 31;
  return fmt::format("\x1b[{}m{}\x1b[0m", colour, padded);
}

using Listed = Expected<std::vector<KernelStore::Listed>>;

Listed list_kernels(const KernelStore::Options& options) {
  const auto store = KernelStore::open(options, [](std::string_view) {});
  return store ? store->list() : Listed(std::unexpected(store.error()));
}

/// An empty path where none is ready.
Kernel first_cached(const Listed& listed) {
  if (!listed) return {};
  const auto found = std::ranges::find(*listed, true, &KernelStore::Listed::cached);
  return found == listed->end() ? Kernel{} : found->kernel;
}

Check check_accelerator(const Expected<Qemu>& qemu, const Kernel& kernel, const LabFiles& files) {
  const std::string name = "accelerator";
  if (!qemu) return {Level::warn, name, "not asked: there is no QEMU"};
  const auto probe = probe_of_host(*qemu, kernel.image, kernel.image_sha256, files.init);
  const auto verdict = choose_accelerator(AcceleratorChoice::automatic, probe);
  if (!verdict) return {Level::warn, name, verdict.error().message};
  const auto said = line_of(*verdict) + (verdict->cached ? " (from the cache)" : "");
  if (!verdict->note.empty()) return {Level::warn, name, said, verdict->note};
  if (verdict->accelerator == Accelerator::kvm) return {Level::ok, name, said};
  return {Level::warn, name, said, "none needed: guests run under tcg, only slower"};
}

Check check_kernels(const Listed& listed) {
  const std::string name = "kernels";
  if (!listed) return {Level::missing, name, listed.error().message};
  std::string cached;
  std::string absent;
  for (const auto& [kernel, ready] : *listed) (ready ? cached : absent) += ' ' + kernel.name;
  if (absent.empty()) return {Level::ok, name, "cached:" + cached};
  const auto said = "cached:" + (cached.empty() ? " none" : cached) + "; not cached:" + absent;
  return {Level::warn, name, said, "nsgate kernel fetch" + absent};
}

/// What fetches kernels: without it, those of the cache can still be booted.
Checks check_fetching(const KernelStore::Options& store, bool some_cached,
                      const Installer& installer) {
  const auto without = some_cached ? Level::warn : Level::missing;
  return {check_program({"apt-get", "apt", "fetches kernels", without}, installer),
          check_program({"dpkg-deb", "dpkg", "unpacks kernels", without}, installer),
          check_program({"gpgv", "gpgv", "verifies what is fetched", without}, installer),
          check_file("keyring", store.keyring, without,
                     installer.remedy("of " + store.keyring.string(), "debian-archive-keyring"))};
}

Checks check_payload(const Payload& payload) {
  const std::string remedy = "build it: vm/setup nsgate_tests nsgate_helper nsgate_enter_static";
  Checks checks{check_file("payload", payload.program, Level::missing, remedy)};
  for (const auto& carried : payload.carried) {
    const auto check = check_file("payload", carried, Level::missing, remedy);
    if (check.level != Level::ok) checks.push_back(check);
  }
  return checks;
}

Check check_terminal() {
  if (::isatty(STDOUT_FILENO) != 1) return {Level::ok, "terminal", "none: plain text"};
  return {Level::ok, "terminal", stdout_wants_colour() ? "with colours" : "without colours"};
}

Checks examine(const KernelStore::Options& store, const LabFiles& files) {
  const auto installer = Installer::of_host();
  Checks checks;
  const auto add = [&checks](const Checks& more) {
    checks.insert(checks.end(), more.begin(), more.end());
  };
  const auto qemu = find_qemu();
  const auto listed = list_kernels(store);
  checks.push_back(qemu ? Check{Level::ok, "qemu", qemu->binary + ", " + qemu->version}
                        : Check{Level::missing, "qemu", qemu.error().message,
                                installer.remedy("qemu-system-x86_64", "qemu-system-x86")});
  checks.push_back(check_accelerator(qemu, first_cached(listed), files));
  checks.push_back(
      check_file("init", files.init, Level::missing, "build it: vm/setup nsgate_init"));
  add(check_payload(files.tests));
  checks.push_back(check_kernels(listed));
  add(check_fetching(store, !first_cached(listed).image.empty(), installer));
  add({check_program({"mmdebstrap", "mmdebstrap", "makes userlands"}, installer),
       check_program({"depmod", "kmod", "finds what modules depend on"}, installer),
       check_program(
           {"parallel", "parallel", "spreads cells over machines", Level::warn, "GNU parallel"},
           installer),
       check_writable("cache", store.cache, "XDG_CACHE_HOME"),
       check_space("cache space", store.cache),
       check_writable("results", state_folder() / "results", "XDG_STATE_HOME"),
       check_space("results space", state_folder() / "results"), check_size(size_of_host()),
       check_terminal()});
  return checks;
}

void print_text(const Checks& checks) {
  for (const auto& [level, name, said, remedy] : checks) {
    std::cout << coloured(level) << ' ' << fmt::format("{:<14} ", name) << said << '\n';
    if (!remedy.empty()) std::cout << std::string(23, ' ') << "-> " << remedy << '\n';
  }
}

void print_json(const Checks& checks, bool can_run) {
  auto rows = nlohmann::ordered_json::array();
  for (const auto& [level, name, said, remedy] : checks) {
    rows.push_back(
        {{"level", std::string(word(level))}, {"name", name}, {"said", said}, {"remedy", remedy}});
  }
  const nlohmann::ordered_json document{{"cells_can_run", can_run}, {"checks", std::move(rows)}};
  std::cout << document.dump(2) << '\n';
}

}  // namespace

void add_doctor_command(CLI::App& app, CommandContext& context, const LabFiles& files) {
  auto* doctor = app.add_subcommand("doctor", "Say what this machine lacks, and how to get it");
  const auto json = std::make_shared<bool>(false);
  doctor->add_flag("--json", *json, "Print data instead of text");
  doctor->callback([&context, files, json] {
    const auto checks = examine(context.store, files);
    const bool can_run = std::ranges::none_of(
        checks, [](const Check& check) { return check.level == Level::missing; });
    *json ? print_json(checks, can_run) : print_text(checks);
    context.exit = can_run ? ExitCode::pass : ExitCode::could_not_start;
  });
}

}  // namespace nsgate::lab
