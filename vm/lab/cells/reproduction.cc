// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/reproduction.h"

#include <fstream>
#include <set>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr int schema_version = 1;

/// A list of files, each a path and a hash.
void compare_files(std::vector<std::string>& lines, const std::string& what,
                   const ordered_json& then, const ordered_json& now) {
  const auto count = std::max(then.size(), now.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto told = [&](const ordered_json& list) {
      return i < list.size() ? list[i].at("sha256").dump() : std::string("none");
    };
    if (told(then) == told(now)) continue;
    const auto& named = i < then.size() ? then[i] : now[i];
    lines.push_back(what + ' ' + named.at("path").get<std::string>() + ": was " + told(then) +
                    ", is " + told(now));
  }
}

void compare(std::vector<std::string>& lines, const std::string& what, const ordered_json& then,
             const ordered_json& now) {
  if (then == now) return;
  lines.push_back(what + ": was " + then.dump() + ", is " + now.dump());
}

void compare_tests(std::vector<std::string>& lines, const ordered_json& then,
                   const ordered_json& now) {
  if (then == now) return;
  const std::set<std::string> before(then.begin(), then.end());
  const std::set<std::string> after(now.begin(), now.end());
  const auto known = lines.size();
  for (const auto& test : before) {
    if (!after.contains(test)) lines.push_back("test " + test + ": is no longer there");
  }
  for (const auto& test : after) {
    if (!before.contains(test)) lines.push_back("test " + test + ": was not there");
  }
  if (lines.size() == known) lines.emplace_back("tests: their order is another");
}

}  // namespace

Expected<ordered_json> read_manifest(const fs::path& folder) {
  const auto file = folder / "manifest.json";
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return could_not_start("there is no " + file.string() +
                           ": name the result folder of one cell, such as RUN/6.1-root");
  }
  auto manifest = ordered_json::parse(stream, nullptr, false);
  if (manifest.is_discarded() || !manifest.is_object()) {
    return could_not_start(file.string() + " is no JSON document: it was cut or edited");
  }
  if (manifest.value("schema_version", ordered_json()) != schema_version) {
    return could_not_start(file.string() + " is not of schema version " +
                           std::to_string(schema_version) +
                           ", which this nsgate reads: use the nsgate that wrote it");
  }
  return manifest;
}

Expected<RunRequest> request_of(const ordered_json& manifest, const LabFiles& files) {
  try {
    const auto seconds = [&](const char* name) {
      return std::chrono::seconds(manifest.at("deadlines_seconds").at(name).get<long>());
    };
    const fs::path program(manifest.at("payload").at("path").get<std::string>());
    const bool own = program != files.tests.program && program != files.dynamic_tests.program;
    const auto& shard = manifest.at("shard");
    const auto user = frame::user_of(manifest.at("user").get<std::string>());
    const auto accelerator =
        parse_accelerator_choice(manifest.at("accelerator").get<std::string>());
    if (!accelerator || !user) {
      return could_not_start("the manifest's user or accelerator is none: it was edited");
    }
    const CellSpec cell{
        .kernel = manifest.at("kernel").at("name"),
        .user = *user,
        .userland = manifest.at("userland").at("name"),
        .profile = manifest.at("profile").at("name"),
        .payload = own ? program.string() : std::string(default_payload),
        .shard = {shard.at("index").get<std::size_t>(), shard.at("of").get<std::size_t>()},
        .filter = manifest.at("filter"),
        .environment = manifest.value("environment", std::vector<std::string>())};
    if (cell.shard.index < 1 || cell.shard.index > cell.shard.of) {
      return could_not_start("the manifest's shard is none: it was edited");
    }
    RunRequest request{.cells = {cell},
                       .carried = {},
                       .filter = {},
                       .output = {},
                       .deadlines = {.boot = seconds("boot"),
                                     .silence = seconds("silence"),
                                     .cell = seconds("cell"),
                                     .test = seconds("test")},
                       .accelerator = *accelerator};
    if (own) {
      for (const auto& file : manifest.at("carried")) {
        request.carried.emplace_back(file.at("path").get<std::string>());
      }
    }
    return request;
  } catch (const ordered_json::exception& error) {
    return could_not_start(std::string("the manifest is not whole: ") + error.what());
  }
}

std::vector<std::string> differences(const ordered_json& then, const ordered_json& now) {
  std::vector<std::string> lines;
  try {
    const auto file = [&](const std::string& what, const char* part) {
      compare_files(lines, what, ordered_json::array({then.at(part)}),
                    ordered_json::array({now.at(part)}));
    };
    compare(lines, "kernel image " + then.at("kernel").at("image").get<std::string>(),
            then.at("kernel").at("image_sha256"), now.at("kernel").at("image_sha256"));
    compare_files(lines, "module", then.at("kernel").at("modules"), now.at("kernel").at("modules"));
    compare(lines, "userland " + then.at("userland").at("name").get<std::string>(),
            then.at("userland").at("sha256"), now.at("userland").at("sha256"));
    compare(lines, "kernel arguments of the profile", then.at("profile").at("kernel_arguments"),
            now.at("profile").at("kernel_arguments"));
    compare(lines, "settings of the profile", then.at("profile").at("settings"),
            now.at("profile").at("settings"));
    compare_files(lines, "policy", then.at("profile").at("files"), now.at("profile").at("files"));
    file("init", "init");
    file("payload", "payload");
    compare_files(lines, "carried file", then.at("carried"), now.at("carried"));
    compare(lines, "QEMU", then.at("qemu"), now.at("qemu"));
    compare_tests(lines, then.at("tests"), now.at("tests"));
  } catch (const ordered_json::exception& error) {
    lines.push_back(std::string("the manifest is not whole: ") + error.what());
  }
  return lines;
}

}  // namespace nsgate::lab
