// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/remote_job.h"

#include "lab/base/could_not_start.h"
#include "lab/base/shell_quoted.h"

namespace nsgate::lab {

std::string remote_job_command() {
  // 74 is EX_IOERR of sysexits.h: there was a verdict, but nobody can read it.
  // No replacement string of parallel, such as a pair of braces, may be in here.
  const std::string script =
      // What a job holds a lock on is alive. One that was killed, or lost its host's power, is not.
      "for o in \"${TMPDIR:-/tmp}\"/nsgate-job-*; do "
      "[ -d \"$o\" ] && [ ! -L \"$o\" ] && [ -O \"$o\" ] && flock -n \"$o\" rm -rf \"$o\"; done; "
      "d=; trap 'rm -rf \"$d\"' EXIT; trap : HUP INT TERM PIPE; "
      // Another job may have removed the folder before it was locked.
      "while d=$(mktemp -d \"${TMPDIR:-/tmp}/nsgate-job-XXXXXX\") || exit 125; do "
      "command exec 9<\"$d\" && flock 9 && [ -d \"$d\" ] && break; "
      "[ ! -d \"$d\" ] || { echo \"cannot lock $d\" >&2; exit 125; }; done; "
      "export TMPDIR=\"$d\"; "
      "code=0; eval \"$1 -o \\\"\\$d/results\\\" --die-with-stdin --quiet\" >/dev/null || code=$?; "
      "mkdir -p \"$d/results\" && echo $code >\"$d/code\" && "
      "tar -C \"$d\" -czf - results code || exit 74; "
      "case $code in 0|1|2|3|4|124) exit 0 ;; *) exit $code ;; esac";
  return "setsid -w sh -c " + shell_quoted(script) + " nsgate-job {2}";
}

bool is_verdict(int exit_code) { return (exit_code >= 0 && exit_code <= 4) || exit_code == 124; }

Expected<std::string> job_lines(const std::string& nsgate, const RunRequest& request) {
  std::string text;
  for (const auto& cell : request.cells) {
    const auto line = command_line(nsgate, request, cell);
    if (line.find_first_of("\t\n") != std::string::npos) {
      return could_not_start(name_of(cell) +
                             ": a tab or a newline in a path or a filter cannot be sent to a host");
    }
    text += name_of(cell) + '\t' + line + '\n';
  }
  return text;
}

std::string ssh_of(const FarmHost& host) {
  // A host that is switched off says nothing: without these, ssh would wait for it for ever.
  return host.ssh +
         " -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3";
}

}  // namespace nsgate::lab
