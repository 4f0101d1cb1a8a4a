// SPDX-License-Identifier: Apache-2.0
//
// What runs on a host of a farm, as text for its shell. Thread-safe.
//
// Results come back as a tar archive on the job's stdout, not by parallel's --return: that copies
// with a second program (rsync) whose failure does not fail the job, so that a result could be lost
// in silence. Here one stream holds everything: gzip's checksum sees a byte that is wrong, and the
// last file, `code`, is there only when all before it is. ssh says 255 when the stream broke.
//
// When a connection is lost, parallel's watcher on the host sends TERM, TERM, TERM and KILL within
// 350 ms to the job's process group, which is too short for tidying up (parallel 20221122,
// monitor_parent_sshd_script). So the job leaves the group: it ends because its stdin does. All it
// writes is in one folder in TMPDIR, on which it holds a lock, flock(2), as long as any process of
// it lives; a job removes the folders of those before it that are dead. setsid(1), flock(1) and
// mktemp(1) are util-linux's and coreutils'.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/base/failure.h"
#include "lab/cells/run_request.h"
#include "lab/farm/hosts.h"

namespace nsgate::lab {

/// The command of every job: runs the command line that stands for {2}, answers with the archive.
/// The run's TMPDIR is a folder nsgate-job-XXXXXX of its own, gone when it ends.
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
