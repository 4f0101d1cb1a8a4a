// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/accelerator_cache.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "lab/base/could_not_start.h"
#include "lab/base/user_folders.h"
#include "lab/base/write_file.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Seconds = std::chrono::seconds;

constexpr int schema_version = 1;
/// Enough for a matrix of kernels; a bisection does not make the file grow for ever.
constexpr std::size_t most_entries = 64;

struct Entry {
  AcceleratorKey key;
  KnownVerdict verdict;
  Seconds at;  ///< since the epoch
};

ordered_json to_json(const Entry& entry) {
  auto stages = ordered_json::array();
  for (const auto& [name, time, fault] : entry.verdict.stages) {
    stages.push_back({{"name", name}, {"milliseconds", time.count()}, {"fault", fault}});
  }
  return {{"boot_id", entry.key.boot_id},
          {"host_kernel", entry.key.host_kernel},
          {"uid", entry.key.uid},
          {"qemu", entry.key.qemu},
          {"kernel_sha256", entry.key.kernel_sha256},
          {"accelerator", std::string(to_string(entry.verdict.accelerator))},
          {"reason", entry.verdict.reason},
          {"stages", std::move(stages)},
          {"at", entry.at.count()}};
}

/// Throws nlohmann's exceptions where the JSON is not what to_json makes.
Entry from_json(const ordered_json& json) {
  Entry entry{.key = {.boot_id = json.at("boot_id"),
                      .host_kernel = json.at("host_kernel"),
                      .uid = json.at("uid"),
                      .qemu = json.at("qemu"),
                      .kernel_sha256 = json.at("kernel_sha256")},
              .verdict = {.accelerator =
                              json.at("accelerator") == "kvm" ? Accelerator::kvm : Accelerator::tcg,
                          .reason = json.at("reason")},
              .at = Seconds(json.at("at").get<std::int64_t>())};
  for (const auto& stage : json.at("stages")) {
    entry.verdict.stages.push_back(
        {.name = stage.at("name"),
         .time = std::chrono::milliseconds(stage.at("milliseconds").get<std::int64_t>()),
         .fault = stage.at("fault")});
  }
  return entry;
}

bool holds(const Entry& entry, AcceleratorCache::Clock::time_point now) {
  if (entry.verdict.accelerator == Accelerator::kvm) return true;
  const auto age = now.time_since_epoch() - entry.at;
  // A clock that was set back would let a bad verdict live for as long.
  return age >= Seconds(0) && age < AcceleratorCache::bad_verdicts_hold;
}

bool answers(const AcceleratorKey& known, const AcceleratorKey& asked) {
  if (known == asked) return true;
  return known.qemu.empty() && known.kernel_sha256.empty() && known.boot_id == asked.boot_id &&
         known.host_kernel == asked.host_kernel && known.uid == asked.uid;
}

/// Newest first.
std::vector<Entry> load(const fs::path& file) {
  std::ifstream stream(file);
  const auto document = ordered_json::parse(stream, nullptr, false);
  if (!document.is_object() || document.value("schema_version", ordered_json()) != schema_version) {
    return {};
  }
  std::vector<Entry> entries;
  try {
    for (const auto& json : document.at("verdicts")) entries.push_back(from_json(json));
  } catch (const nlohmann::json::exception&) {
    return {};
  }
  return entries;
}

}  // namespace

AcceleratorKey key_of_host() {
  std::string boot_id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot_id);
  utsname host{};
  ::uname(&host);
  return {.boot_id = boot_id,
          .host_kernel = std::string(host.release) + ' ' + host.version,
          .uid = ::getuid()};
}

fs::path AcceleratorCache::default_file() { return state_folder() / "accelerator.json"; }

std::optional<KnownVerdict> AcceleratorCache::find(const AcceleratorKey& key) const {
  for (const auto& entry : load(file_)) {
    if (answers(entry.key, key) && holds(entry, now_())) return entry.verdict;
  }
  return std::nullopt;
}

Expected<void> AcceleratorCache::put(const AcceleratorKey& key, const KnownVerdict& verdict) const {
  const auto now = now_();
  auto entries = load(file_);
  // Verdicts of another boot can never be asked for again. A bad one for every kernel overrules
  // what each of them got, for more than its hour.
  std::erase_if(entries, [&](const Entry& entry) {
    return answers(entry.key, key) || answers(key, entry.key) || entry.key.boot_id != key.boot_id ||
           !holds(entry, now);
  });
  entries.insert(entries.begin(),
                 Entry{key, verdict, std::chrono::duration_cast<Seconds>(now.time_since_epoch())});
  if (entries.size() > most_entries) entries.resize(most_entries);
  auto verdicts = ordered_json::array();
  for (const auto& entry : entries) verdicts.push_back(to_json(entry));
  std::error_code error;
  fs::create_directories(file_.parent_path(), error);
  if (error) {
    return could_not_start("cannot make " + file_.parent_path().string() + ": " + error.message());
  }
  const ordered_json document{{"schema_version", schema_version},
                              {"verdicts", std::move(verdicts)}};
  return write_file(file_,
                    document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace nsgate::lab
