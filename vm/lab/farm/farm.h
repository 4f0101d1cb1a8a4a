// SPDX-License-Identifier: Apache-2.0
//
// Runs cells on several machines over ssh. GNU parallel decides which cell runs where and when, and
// tries again on another host what a host lost; this checks the hosts before, and what comes back.
//
//   auto run = run_farm({.run = request, .hosts = *load_hosts("hosts"), …});
//
// In the folder of the results: one folder a cell, as of `nsgate run`, the merged results, and
// cells.json (the job list); in farm/: jobs, joblog, and in streams/ what each job said on stderr
// and the archives that could not be taken.
//
// The hosts need nsgate, sh, tar, gzip, setsid and flock of util-linux, and perl (which GNU
// parallel runs there). Kernels, payloads and userlands that are given by a path have to be there
// under the same path.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "lab/cells/run_request.h"
#include "lab/farm/hosts.h"
#include "lab/report/results.h"

namespace nsgate::lab {

struct FarmRequest {
  RunRequest run;                   ///< the cells, their options and the folder for the results
  std::vector<FarmHost> hosts;      ///< at least one
  std::string nsgate = "nsgate";    ///< its path on the hosts
  std::size_t jobs_per_host = 0;    ///< 0: what the file of hosts says, else one a processor
  std::size_t tries = 3;            ///< of one cell, altogether
  std::chrono::seconds timeout{0};  ///< for one try; 0: none but nsgate's own deadlines
  bool resume = false;              ///< keep the verdicts that the folder has
  bool doctor = true;               ///< ask each host's doctor first
};

/// Every cell of the request, in that order: its result, or MISS and why. A verdict of nsgate is
/// final; what ended without one (ssh's 255, a kill, 125) is tried again. An interruption ends the
/// guests on the hosts. Fails with could_not_start when no host is usable or parallel is missing.
Expected<RunResult> run_farm(const FarmRequest& request);

}  // namespace nsgate::lab
