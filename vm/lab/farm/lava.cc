// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/lava.h"

#include <nlohmann/json.hpp>

#include "lab/cells/run_request.h"
#include "lab/farm/job_list.h"

namespace nsgate::lab {
namespace {

using nlohmann::ordered_json;

ordered_json minutes(int count) { return {{"minutes", count}}; }

ordered_json test_definition(const CellSpec& cell) {
  const auto name = name_of(cell);
  const auto line = command_line("nsgate", {}, cell) + " -o nsgate-results";
  // The shell of a test stops at the first step that fails, so the code is caught in the same one.
  return {{"metadata",
           {{"format", "Lava-Test Test Definition 1.0"},
            {"name", name},
            {"description", "The cell " + name + " of nsgate's matrix"}}},
          {"run",
           {{"steps",
             {"code=0; " + line + " || code=$?",
              "case $code in 0) result=pass ;; 1) result=fail ;; 4) result=skip ;; "
              "*) result=unknown ;; esac",
              "lava-test-case " + name + " --result $result --measurement $code --units exit-code",
              "cat nsgate-results/results.ktap || true"}}}}};
}

ordered_json job(const CellSpec& cell) {
  const auto name = name_of(cell);
  const ordered_json definition = {{"from", "inline"},
                                   {"name", name},
                                   {"path", "inline/nsgate.yaml"},
                                   {"repository", test_definition(cell)}};
  return {{"job_name", "nsgate " + name},
          {"device_type", "ssh"},
          {"visibility", "public"},
          {"priority", "medium"},
          {"timeouts", {{"job", minutes(45)}, {"action", minutes(40)}, {"connection", minutes(2)}}},
          {"actions",
           {{{"deploy", {{"timeout", minutes(2)}, {"to", "ssh"}, {"os", "debian"}}}},
            {{"boot",
              {{"timeout", minutes(2)},
               {"method", "ssh"},
               {"connection", "ssh"},
               {"prompts", ordered_json::array({"# ", "\\$ "})}}}},
            {{"test",
              {{"timeout", minutes(40)}, {"definitions", ordered_json::array({definition})}}}}}}};
}

}  // namespace

std::string lava_jobs(const std::vector<CellSpec>& cells) {
  std::string text;
  for (const auto& cell : with_absolute_paths(cells)) {
    text += "--- # " + name_of(cell) + '\n';
    const auto definition = job(cell);
    for (const auto& [key, value] : definition.items()) {
      text += key + ": " + value.dump(value.is_primitive() ? -1 : 2) + '\n';
    }
  }
  return text;
}

}  // namespace nsgate::lab
