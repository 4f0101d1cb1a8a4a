// SPDX-License-Identifier: Apache-2.0
//
// What runs on a host of a farm, as text for its shell. Thread-safe.
//
// Results come back as a tar archive on the job's stdout, not by parallel's --return: that copies
// with a second program (rsync) whose failure does not fail the job, so that a result could be lost
// in silence. Here one stream holds everything: gzip's checksum sees a byte that is wrong, and the
// last file, `code`, is there only when all before it is. ssh says 255 when the stream broke.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/cells/run_request.h"
#include "lab/farm/hosts.h"

namespace nsgate::lab {

/// The command of every job: runs the command line that stands for {2}, answers with the archive.
/// Its exit code is 0 when the run came to a verdict, whichever: GNU parallel tries again what has
/// another, and no verdict may be tried again until it pleases.
std::string remote_job_command();

/// Whether this exit code of `nsgate run` is the last word on a cell.
bool is_verdict(int exit_code);

/// One line for each cell, "6.1-root<TAB>nsgate run --kernel 6.1 …". Fails where a name or a path
/// holds a tab or a newline.
Expected<std::string> job_lines(const std::string& nsgate, const RunRequest& request);

/// The ssh command of a host with what a farm needs in addition. What the user's line says counts
/// before it; it counts before the user's configuration.
std::string ssh_of(const FarmHost& host);

}  // namespace nsgate::lab
