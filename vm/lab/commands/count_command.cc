// SPDX-License-Identifier: Apache-2.0
#include "lab/commands/count_command.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lab/base/could_not_start.h"
#include "lab/base/process.h"
#include "lab/image/cpio.h"
#include "lab/kernels/kernel_store.h"
#include "lab/machine/qemu.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

struct Count {
  std::string name;
  std::uint64_t instructions;
};
using Counts = std::vector<Count>;

struct Arguments {
  std::vector<std::string> kernels;
  unsigned memory = 1024;
  long deadline = 600;
  bool json = false;
  bool offline = false;
};

/// Removed with what is in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "nsgate-count-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Expected<void> add(CpioContents& contents, const fs::path& source, const std::string& name) {
  std::ifstream file(source, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file || content.empty()) {
    return could_not_start("cannot read " + source.string() +
                           "; build it: cmake -DNSGATE_BENCH=ON, target nsgate_counts");
  }
  contents.files[name] = {.mode = 0755, .content = std::move(content)};
  return {};
}

Expected<void> build_image(const CountProgram& program, const fs::path& output) {
  CpioContents contents;
  for (const char* name : {"dev", "proc", "tmp"}) contents.directories.emplace(name, 0755);
  contents.devices.emplace("dev/console", makedev(5, 1));
  if (auto added = add(contents, program.program, "init"); !added) return added;
  for (const auto& carried : program.carried) {
    if (auto added = add(contents, carried, carried.filename().string()); !added) return added;
  }
  return write_cpio(contents, output);
}

/// Whatever could differ from run to run is fixed: seed, clock, address layout, mitigations, the
/// processor's own random numbers.
std::vector<std::string> counting_command(const Qemu& qemu, const Kernel& kernel,
                                          const fs::path& initrd, unsigned memory) {
  return {qemu.binary,
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-no-reboot",
          "-machine",
          "microvm,rtc=on",
          "-accel",
          "tcg",
          "-icount",
          "shift=0,sleep=off",
          "-rtc",
          "base=2026-01-01T00:00:00,clock=vm",
          "-seed",
          "1",
          "-cpu",
          "max,-rdrand,-rdseed",
          "-smp",
          "1",
          "-m",
          std::to_string(memory),
          "-serial",
          "stdio",
          "-kernel",
          kernel.image.string(),
          "-initrd",
          initrd.string(),
          "-append",
          "console=ttyS0 quiet nokaslr norandmaps random.trust_cpu=off mitigations=off panic=-1 "
          "reboot=t"};
}

Expected<Counts> parse(const std::string& said, const Kernel& kernel) {
  Counts counts;
  bool complete = false;
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    std::istringstream words(line);
    std::string kind;
    Count count;
    if (words >> kind && kind == "count" && words >> count.name >> count.instructions) {
      counts.push_back(std::move(count));
    }
    complete = complete || line == "counted";
  }
  if (complete && !counts.empty()) return counts;
  return std::unexpected(
      Failure{ExitCode::infrastructure,
              kernel.name + ": the guest did not count to its end; it said:\n" + said});
}

Expected<Counts> count(const CountProgram& program, const Qemu& qemu, const Kernel& kernel,
                       const Arguments& arguments) {
  const ScratchFolder scratch;
  if (scratch.path().empty()) return could_not_start("no scratch folder in TMPDIR can be made");
  const auto initrd = scratch.path() / "initrd";
  if (auto built = build_image(program, initrd); !built) return std::unexpected(built.error());
  const auto guest = run({.argv = counting_command(qemu, kernel, initrd, arguments.memory)},
                         std::chrono::seconds(arguments.deadline));
  if (!guest) return std::unexpected(guest.error());
  return parse(guest->out + guest->err, kernel);
}

struct Column {
  Kernel kernel;
  Counts counts;
};

void print_json(const std::vector<Column>& columns) {
  auto document = nlohmann::ordered_json::array();
  for (const auto& [kernel, counts] : columns) {
    auto instructions = nlohmann::ordered_json::object();
    for (const auto& count : counts) instructions[count.name] = count.instructions;
    document.push_back({{"kernel", kernel.name},
                        {"version", kernel.package_version},
                        {"instructions", std::move(instructions)}});
  }
  std::cout << document.dump(2) << '\n';
}

/// What a row is compared with: "exec:exec_in_netns@8MiB" with the "exec:floor_…@8MiB" of its
/// column; nothing for a floor itself.
const Count* floor_of(const Count& row, const Counts& counts) {
  const auto group = row.name.substr(0, row.name.find(':') + 1);
  const auto at = row.name.find('@');
  const auto size = at == std::string::npos ? "" : row.name.substr(at);
  if (row.name.starts_with(group + "floor_")) return nullptr;
  const auto found = std::ranges::find_if(counts, [&](const Count& other) {
    return other.name.starts_with(group + "floor_") && other.name.ends_with(size);
  });
  return found == counts.end() ? nullptr : &*found;
}

std::string as_cell(const std::string& name, const Counts& counts) {
  const auto found = std::ranges::find(counts, name, &Count::name);
  if (found == counts.end()) return "-";
  const Count* const floor = floor_of(*found, counts);
  if (floor == nullptr) return fmt::format("{}       ", found->instructions);
  return fmt::format(
      "{} {:5.3f}x", found->instructions,
      static_cast<double>(found->instructions) / static_cast<double>(floor->instructions));
}

void print_table(const std::vector<Column>& columns) {
  std::size_t widest = 0;
  for (const auto& count : columns.front().counts) widest = std::max(widest, count.name.size());
  constexpr std::size_t width = 18;
  const auto right = [=](const std::string& text) {
    return std::string(width - std::min(width, text.size()), ' ') + text;
  };
  std::cout << std::string("INSTRUCTIONS").append(widest - std::min<std::size_t>(widest, 12), ' ');
  for (const auto& column : columns) std::cout << right(column.kernel.name + "       ");
  std::cout << '\n';
  for (const auto& row : columns.front().counts) {
    std::cout << row.name << std::string(widest - row.name.size(), ' ');
    for (const auto& column : columns) {
      std::cout << right(as_cell(row.name, column.counts));
    }
    std::cout << '\n';
  }
}

Expected<void> count_and_print(const Arguments& arguments, KernelStore::Options options,
                               const CountProgram& program) {
  options.offline = options.offline || arguments.offline;
  auto store = KernelStore::open(options, [](std::string_view text) { spdlog::info(text); });
  if (!store) return std::unexpected(store.error());
  const auto qemu = find_qemu();
  if (!qemu) return std::unexpected(qemu.error());
  const auto kernels =
      store->fetch(arguments.kernels.empty() ? store->default_names() : arguments.kernels);
  if (!kernels) return std::unexpected(kernels.error());
  std::vector<Column> columns;
  for (const auto& kernel : *kernels) {
    spdlog::info("{}: counting", kernel.name);
    auto counts = count(program, *qemu, kernel, arguments);
    if (!counts) return std::unexpected(counts.error());
    columns.push_back({kernel, std::move(*counts)});
  }
  arguments.json ? print_json(columns) : print_table(columns);
  return {};
}

}  // namespace

void add_count_command(CLI::App& app, CommandContext& context, const CountProgram& program) {
  auto* count = app.add_subcommand("count", "Count the instructions of an entry and of its floor");
  const auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  count->add_option("--kernel", a.kernels, "Series such as 6.1, or path of a bzImage; default: all")
      ->allow_extra_args(false);
  count->add_option("--memory", a.memory, "MiB of the guest, which bound the caller's (1024)")
      ->check(CLI::Range(256, 1048576));
  count->add_option("--deadline", a.deadline, "Seconds for one guest (600)")
      ->check(CLI::Range(1L, 86400L));
  count->add_flag("--json", a.json, "Print the counts as data instead of a table");
  count->add_flag("--offline", a.offline, "Never use the network");
  count->callback([&context, program, arguments] {
    if (const auto done = count_and_print(*arguments, context.store, program); !done) {
      spdlog::error(done.error().message);
      context.exit = done.error().code;
    }
  });
}

}  // namespace nsgate::lab
