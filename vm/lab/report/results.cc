// SPDX-License-Identifier: Apache-2.0
#include "lab/report/results.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace nsgate::lab {
namespace {

using nlohmann::ordered_json;

constexpr int schema_version = 1;

double in_seconds(std::chrono::microseconds time) {
  return std::chrono::duration<double>(time).count();
}

ordered_json to_json(const TestResult& test) {
  ordered_json row = {{"test", test.test},
                      {"status", to_string(test.status)},
                      {"reason", test.reason},
                      {"behaviours", test.behaviours},
                      {"seconds", in_seconds(test.time)}};
  const bool explains = test.status == Status::fail || test.status == Status::error;
  if (explains) row["output"] = test.output;
  return row;
}

ordered_json to_json(const Splat& splat) {
  return {{"title", splat.title}, {"fingerprint", splat.fingerprint}, {"test", splat.test},
          {"late", splat.late},   {"allowed", splat.allowed},         {"text", splat.text}};
}

ordered_json to_json(const GuestRecord& guest) {
  return {{"first_test", guest.first_test},
          {"slow_factor", static_cast<double>(guest.slow) / 1000},
          {"retired", guest.retired}};
}

ordered_json body(const CellResult& result) {
  const auto& cell = result.cell;
  const auto& kernel = cell.kernel;
  ordered_json splats = ordered_json::array();
  for (const auto& splat : result.verdict.splats) splats.push_back(to_json(splat));
  ordered_json guests = ordered_json::array();
  for (const auto& guest : result.guests) guests.push_back(to_json(guest));
  ordered_json tests = ordered_json::array();
  for (const auto& test : result.verdict.tests) tests.push_back(to_json(test));
  ordered_json counts;
  for (const auto status :
       {Status::pass, Status::fail, Status::error, Status::miss, Status::skip}) {
    counts[std::string(to_string(status))] = count(result, status);
  }
  return {{"cell", name_of(cell.spec)},
          {"kernel",
           {{"name", kernel.name},
            {"version", kernel.package_version},
            {"release", kernel.release},
            {"image_sha256", kernel.image_sha256},
            {"unpinned", kernel.unpinned}}},
          {"userland", cell.userland.name},
          {"profile", cell.spec.profile},
          {"user", to_string(cell.spec.user)},
          {"payload", cell.spec.payload},
          {"shard", fmt::format("{}/{}", cell.spec.shard.index, cell.spec.shard.of)},
          {"accelerator", to_string(result.accelerator)},
          {"accelerator_reason", result.accelerator_reason},
          {"verdict", to_string(result.verdict.code)},
          {"exit_code", static_cast<int>(result.verdict.code)},
          {"started", result.started},
          {"seconds", in_seconds(result.time)},
          {"counts", counts},
          {"reasons", result.verdict.reasons},
          {"guests", guests},
          {"splats", splats},
          {"tests", tests}};
}

}  // namespace

std::size_t count(const CellResult& cell, Status status) {
  return static_cast<std::size_t>(
      std::ranges::count(cell.verdict.tests, status, &TestResult::status));
}

ordered_json to_json(const CellResult& cell) {
  ordered_json document = {{"schema_version", schema_version}, {"nsgate", NSGATE_VERSION}};
  document.update(body(cell));
  return document;
}

ordered_json to_json(const RunResult& run) {
  ordered_json cells = ordered_json::array();
  for (const auto& cell : run.cells) cells.push_back(body(cell));
  return {{"schema_version", schema_version}, {"nsgate", NSGATE_VERSION},
          {"started", run.started},           {"seconds", in_seconds(run.time)},
          {"verdict", to_string(run.code)},   {"exit_code", static_cast<int>(run.code)},
          {"folder", run.folder.string()},    {"cells", cells}};
}

std::string dump(const ordered_json& document) {
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace nsgate::lab
