// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/host_check.h"

#include <sys/wait.h>

#include <charconv>
#include <future>
#include <nlohmann/json.hpp>

#include "lab/base/plain_text.h"
#include "lab/base/process.h"
#include "lab/base/shell_quoted.h"
#include "lab/farm/remote_job.h"

namespace nsgate::lab {
namespace {

constexpr std::string_view own_version = "nsgate " NSGATE_VERSION;

/// What keeps the host's cells from running, by its own `nsgate doctor --json`.
std::string complaint_of(std::string_view text, const HostQuestion& question) {
  try {
    const auto document = nlohmann::json::parse(text);
    for (const auto& check : document.at("checks")) {
      const auto name = check.at("name").get<std::string>();
      if (check.at("level") != "missing" || (name == "payload" && !question.own_tests)) continue;
      return "its doctor says: " + name + ": " + check.at("said").get<std::string>();
    }
    return {};
  } catch (const nlohmann::json::exception&) {
    return "its doctor gave no JSON; ask there with nsgate doctor, or go without by --no-doctor";
  }
}

HostCheck ask(const FarmHost& host, const HostQuestion& question) {
  constexpr std::chrono::seconds enough(120);
  const auto command = ssh_of(host) + ' ' + shell_quoted(host.host) + " -- " +
                       shell_quoted(question_command(question));
  const auto answer = run({.argv = {"sh", "-c", "exec " + command},
                           .extra_env = {},
                           .stderr_file = {},
                           .working_directory = {}},
                          enough);
  if (!answer) return {host, answer.error().message};
  if (answer->ok()) return read_answer(host, answer->out, question);
  const auto lines = non_empty_lines(answer->err);
  const auto last = lines.empty() ? std::string("it said nothing") : plain_text(lines.back());
  const int status = answer->wait_status;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 255) return {host, "ssh failed: " + last};
  return {host, "cannot run " + question.nsgate + " (" + last +
                    "); install nsgate there, or say where it is with --nsgate"};
}

}  // namespace

std::string question_command(const HostQuestion& question) {
  const auto nsgate = shell_quoted(question.nsgate);
  std::string script = nsgate + " --version || exit 127; echo processors $(nproc); ";
  // What remote_job_command() needs.
  script +=
      "for p in setsid flock tar gzip; do command -v $p >/dev/null || echo lacks the program $p; "
      "done; ";
  for (const auto& file : question.files) {
    const auto quoted = shell_quoted(file);
    script += "[ -e " + quoted + " ] || echo lacks " + quoted + "; ";
  }
  if (question.doctor) script += "echo doctor; " + nsgate + " doctor --json; ";
  return "sh -c " + shell_quoted(script + "exit 0");
}

HostCheck read_answer(const FarmHost& host, std::string_view out, const HostQuestion& question) {
  constexpr std::string_view doctor_follows = "\ndoctor\n";
  const auto doctor = out.find(doctor_follows);
  const auto head = out.substr(0, doctor);
  HostCheck check{host, {}};
  bool version_known = false;
  for (const auto line : non_empty_lines(head)) {
    if (line == own_version) version_known = true;
    if (line.starts_with("nsgate ") && line != own_version) {
      check.unusable = "it has " + plain_text(line) + ", this is " + std::string(own_version);
    }
    if (line.starts_with("processors ")) {
      const auto number = line.substr(line.find(' ') + 1);
      std::from_chars(number.data(), number.data() + number.size(), check.processors);
    }
    if (line.starts_with("lacks ")) check.unusable = "it " + plain_text(line);
  }
  if (!version_known && check.unusable.empty()) check.unusable = "its nsgate says no version";
  if (!check.unusable.empty() || !question.doctor) return check;
  check.unusable = plain_text(complaint_of(doctor == std::string_view::npos
                                               ? std::string_view{}
                                               : out.substr(doctor + doctor_follows.size()),
                                           question));
  return check;
}

std::vector<HostCheck> check_hosts(const std::vector<FarmHost>& hosts,
                                   const HostQuestion& question) {
  std::vector<std::future<HostCheck>> asked;
  for (const auto& host : hosts) {
    asked.push_back(std::async(std::launch::async, ask, host, question));
  }
  std::vector<HostCheck> checks;
  for (auto& answer : asked) checks.push_back(answer.get());
  return checks;
}

}  // namespace nsgate::lab
