// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/probe_command.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "lab/commands/accelerator_option.h"
#include "lab/machine/accelerator.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string kernel;
  AcceleratorChoice choice = AcceleratorChoice::automatic;
  bool fresh = false;
  bool json = false;
};

void print_text(const AcceleratorVerdict& verdict) {
  std::cout << line_of(verdict)
            << (verdict.cached ? " (from the cache; --fresh asks again)\n" : "\n");
  for (const auto& [name, time, fault] : verdict.stages) {
    std::cout << fmt::format("  {:<16} {:>6} ms  {}\n", name, time.count(),
                             fault.empty() ? "passed" : fault);
  }
}

void print_json(const AcceleratorVerdict& verdict) {
  auto stages = nlohmann::ordered_json::array();
  for (const auto& [name, time, fault] : verdict.stages) {
    stages.push_back({{"name", name},
                      {"passed", fault.empty()},
                      {"milliseconds", time.count()},
                      {"reason", fault}});
  }
  const nlohmann::ordered_json document{
      {"accelerator", std::string(to_string(verdict.accelerator))},
      {"reason", verdict.reason},
      {"cached", verdict.cached},
      {"note", verdict.note},
      {"stages", std::move(stages)}};
  std::cout << document.dump(2) << '\n';
}

/// The one named, fetched when needed; without a name the first that is ready in the cache. An
/// empty path where there is none.
Expected<Kernel> kernel_for_probe(const KernelStore::Options& options, const std::string& name) {
  auto store = KernelStore::open(options, [](std::string_view text) { spdlog::info(text); });
  if (!store) return std::unexpected(store.error());
  if (!name.empty()) {
    auto fetched = store->fetch({name});
    if (!fetched) return std::unexpected(fetched.error());
    return fetched->front();
  }
  const auto known = store->list();
  if (!known) return std::unexpected(known.error());
  for (const auto& [kernel, cached] : *known) {
    if (cached) return kernel;
  }
  return Kernel{};
}

Expected<void> probe_and_print(const Arguments& arguments, const KernelStore::Options& store,
                               const fs::path& init) {
  const auto qemu = find_qemu();
  if (!qemu) return std::unexpected(qemu.error());
  const auto kernel = kernel_for_probe(store, arguments.kernel);
  if (!kernel) return std::unexpected(kernel.error());
  auto probe = probe_of_host(*qemu, kernel->image, kernel->image_sha256, init);
  probe.fresh = arguments.fresh;
  const auto verdict = choose_accelerator(arguments.choice, probe);
  if (!verdict) return std::unexpected(verdict.error());
  arguments.json ? print_json(*verdict) : print_text(*verdict);
  if (!verdict->note.empty()) spdlog::warn(verdict->note);
  return {};
}

}  // namespace

void add_probe_command(CLI::App& app, CommandContext& context, const fs::path& init) {
  auto* probe = app.add_subcommand("probe", "Show which accelerator works here, and why");
  const auto arguments = std::make_shared<Arguments>();
  probe->add_option("--kernel", arguments->kernel,
                    "Series such as 6.1, or path of a bzImage, to boot; default: one of the cache");
  add_accelerator_option(*probe, arguments->choice);
  probe->add_flag("--fresh", arguments->fresh, "Ask KVM, whatever the cache knows");
  probe->add_flag("--json", arguments->json, "Print data instead of text");
  probe->callback([&context, init, arguments] {
    if (const auto done = probe_and_print(*arguments, context.store, init); !done) {
      spdlog::error(done.error().message);
      context.exit = done.error().code;
    }
  });
}

}  // namespace nsgate::lab
