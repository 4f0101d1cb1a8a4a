// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/slurm.h"

#include <spdlog/fmt/fmt.h>

#include "lab/cells/run_request.h"
#include "lab/farm/job_list.h"

namespace nsgate::lab {
namespace {

constexpr const char* head = R"(#!/bin/sh
#SBATCH --job-name=nsgate
#SBATCH --array=1-{0}
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --time=0:40:00
#SBATCH --output=nsgate-%A_%a.log
#
# A task runs one cell and exits as `nsgate run` does; its results are nsgate-JOB/INDEX, in the
# folder from which it was submitted. The report is a job of its own, because it has to be made
# when tasks failed, too:
#
#   job=$(sbatch --parsable nsgate.sh)
#   sbatch --array=1 --dependency=afterany:$job --output=nsgate-%A.log nsgate.sh report nsgate-$job
set -u

if [ "${{1-}}" = report ]; then
  results=${{2:?the folder with the results of the tasks}}
  mkdir -p "$results" || exit 125
  cat >"$results/cells.json" <<'END_OF_CELLS' || exit 125
{1}END_OF_CELLS
  shift 2
  i=1
  while [ "$i" -le {0} ]; do
    if [ -e "$results/$i/results.json" ]; then set -- "$@" "$results/$i"; fi
    i=$((i + 1))
  done
  exec nsgate report --expect "$results/cells.json" -o "$results" "$@"
fi

results=nsgate-${{SLURM_ARRAY_JOB_ID:?submit this with sbatch}}
case ${{SLURM_ARRAY_TASK_ID:?submit this with sbatch}} in
)";

constexpr const char* tail = R"(*)
  echo "nsgate: there is no cell $SLURM_ARRAY_TASK_ID" >&2
  exit 125
  ;;
esac
# A task that Slurm starts again must not leave the result of the first time for its own.
rm -f "$results/$SLURM_ARRAY_TASK_ID/results.json"
exec "$@" -o "$results/$SLURM_ARRAY_TASK_ID"
)";

}  // namespace

std::string slurm_script(const std::vector<CellSpec>& given) {
  const auto cells = with_absolute_paths(given);
  std::string script = fmt::format(fmt::runtime(head), cells.size(), job_list(cells));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    script += fmt::format("{}) set -- {} ;;\n", i + 1, command_line("nsgate", {}, cells[i]));
  }
  return script + tail;
}

}  // namespace nsgate::lab
