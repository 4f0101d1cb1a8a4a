// SPDX-License-Identifier: Apache-2.0
//
// The job log of GNU parallel (parallel(1), --joblog): how the last try of each job ended.
//
//   auto entries = parse_job_log(text, "joblog", jobs);
//
// Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/base/failure.h"

namespace nsgate::lab {

struct JobLogEntry {
  std::size_t job = 0;  ///< counts from 1
  std::string host;     ///< as in the list of hosts
  int exit = 0;         ///< -1: killed by parallel, such as at its time limit
  int signal = 0;
  std::string line;  ///< without its end
  bool succeeded() const { return exit == 0 && signal == 0; }
};

struct JobLog {
  std::vector<JobLogEntry> entries;
};

/// Of jobs that are logged more than once, as by resumed runs, the last entry; empty text is an
/// empty log. A last line without its end is none: parallel was killed while writing it. Fails
/// with could_not_start, naming `name` and the line.
Expected<JobLog> parse_job_log(std::string_view text, const std::string& name, std::size_t jobs);

/// The text of the log.
std::string to_text(const JobLog& log);

}  // namespace nsgate::lab
