// SPDX-License-Identifier: Apache-2.0
//
// A run of two cells with one result of every kind.
#pragma once

#include "lab/report/results.h"

namespace nsgate::lab {

inline TestResult test_result(const std::string& name, Status status, const std::string& reason) {
  return {.test = name,
          .status = status,
          .reason = reason,
          .behaviours = {"TR1", "TR2"},
          .time = std::chrono::milliseconds(1500),
          .output = "said"};
}

inline RunResult sample_run() {
  CellResult good;
  good.cell.spec = {.kernel = "6.1"};
  good.cell.kernel = {.name = "6.1",
                      .release = "6.1.0-56-cloud-amd64",
                      .package_version = "6.1.192-2",
                      .image = "/cache/vmlinuz",
                      .image_sha256 = "ab12",
                      .unpinned = ""};
  good.verdict = {.code = ExitCode::pass,
                  .reasons = {},
                  .tests = {test_result("A.Passes", Status::pass, ""),
                            test_result("A.Skips", Status::skip, "needs rootless: x")},
                  .splats = {},
                  .guests = 1};
  good.started = "2026-11-23T13:37:01Z";
  good.time = std::chrono::milliseconds(14230);
  CellResult bad = good;
  bad.cell.spec = {.kernel = "sid", .user = frame::User::rootless};
  bad.cell.kernel.name = "sid";
  bad.cell.kernel.package_version = "7.2.13-1";
  bad.cell.kernel.unpinned = "unpinned: 7.2.12-1 has left the mirror";
  bad.verdict = {.code = ExitCode::fail,
                 .reasons = {"the guest hung\nlast console line: x"},
                 .tests = {test_result("A.Fails", Status::fail, "a.cc:3\nthe sky is \x1b[32mgreen"),
                           test_result("A.Errs", Status::error, "was running"),
                           test_result("A.First", Status::miss, "never ran"),
                           test_result("A.Second", Status::miss, "never ran")},
                 .splats = {},
                 .guests = 1};
  return {.code = ExitCode::fail,
          .started = "2026-11-23T13:36:59Z",
          .time = std::chrono::seconds(20),
          .folder = "/results/here",
          .cells = {good, bad}};
}

}  // namespace nsgate::lab
