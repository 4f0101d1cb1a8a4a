// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/farm.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/base/interrupt.h"
#include "lab/base/plain_text.h"
#include "lab/base/process.h"
#include "lab/base/temporary_folder.h"
#include "lab/base/utc_time.h"
#include "lab/base/write_file.h"
#include "lab/farm/host_check.h"
#include "lab/farm/job_list.h"
#include "lab/farm/job_log.h"
#include "lab/farm/remote_job.h"
#include "lab/farm/returned_results.h"
#include "lab/report/merge.h"
#include "lab/report/result_folder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file) {
  std::ostringstream text;
  std::ifstream in(file, std::ios::binary);
  if (in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  return std::move(text).str();
}

Expected<void> require_parallel() {
  const auto version = run({.argv = {"parallel", "--plain", "--version"},
                            .extra_env = {},
                            .stderr_file = {},
                            .working_directory = {}});
  // moreutils has another program of this name.
  if (version && version->out.starts_with("GNU parallel")) return {};
  return could_not_start("GNU parallel is missing: apt-get install parallel");
}

/// The files that decide and tell how a farm went.
struct FarmFolder {
  fs::path output;
  fs::path farm() const { return output / "farm"; }
  fs::path jobs() const { return farm() / "jobs"; }
  fs::path log() const { return farm() / "joblog"; }
  fs::path stream(const CellSpec& cell) const {
    return farm() / "streams" / (name_of(cell) + ".tgz");
  }
  fs::path said(const CellSpec& cell) const { return stream(cell).string() + ".err"; }
  fs::path cell(const CellSpec& cell) const { return output / name_of(cell); }
};

/// A pipe that nobody writes into and whose writing end this process alone has: every job's stdin.
/// It ends when this process does, however that comes about, and then so do the runs on the hosts.
class Lifeline {
 public:
  static Expected<Lifeline> make() {
    auto folder = TemporaryFolder::make("nsgate-farm");
    if (!folder) return std::unexpected(folder.error());
    if (folder->path().string().find_first_of(" \t") != std::string::npos) {
      return could_not_start("TMPDIR holds a space, which GNU parallel's list of hosts cannot");
    }
    const auto fifo = folder->path() / "lifeline";
    const int fd =
        ::mkfifo(fifo.c_str(), 0600) == 0 ? ::open(fifo.c_str(), O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) {
      return could_not_start("cannot make " + fifo.string() + ": " + std::strerror(errno));
    }
    Lifeline line(std::move(*folder), fd);
    const auto holder = line.folder_.path() / "holding-on";
    auto written = write_file(holder, "#!/bin/sh\nexec \"$@\" <" + fifo.string() + '\n');
    if (!written) return std::unexpected(written.error());
    std::error_code error;
    fs::permissions(holder, fs::perms(0700), error);
    if (error) return could_not_start(holder.string() + ": " + error.message());
    return line;
  }

  Lifeline(Lifeline&& other) noexcept
      : folder_(std::move(other.folder_)), fd_(std::exchange(other.fd_, -1)) {}
  Lifeline& operator=(Lifeline&&) = delete;
  ~Lifeline() { cut(); }

  /// The words before a command that let it hold the line.
  std::string holder() const { return (folder_.path() / "holding-on").string(); }
  const fs::path& folder() const { return folder_.path(); }
  void cut() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  Lifeline(TemporaryFolder folder, int fd) : folder_(std::move(folder)), fd_(fd) {}

  TemporaryFolder folder_;
  int fd_;
};

Expected<std::vector<HostCheck>> usable_hosts(const FarmRequest& request) {
  HostQuestion question{
      .nsgate = request.nsgate, .files = {}, .doctor = request.doctor, .own_tests = false};
  const auto need = [&question](const std::string& file) {
    if (std::ranges::find(question.files, file) == question.files.end()) {
      question.files.push_back(file);
    }
  };
  for (const auto& cell : request.run.cells) {
    for (const auto& value : {cell.kernel, cell.userland, cell.payload}) {
      if (value.contains('/')) need(value);
    }
    if (cell.payload == default_payload) question.own_tests = true;
  }
  for (const auto& file : request.run.carried) {
    need(fs::absolute(file).lexically_normal().string());
  }
  std::vector<HostCheck> usable;
  for (auto& check : check_hosts(request.hosts, question)) {
    if (check.unusable.empty()) {
      usable.push_back(std::move(check));
    } else {
      spdlog::warn("{} is left out: {}", check.host.host, check.unusable);
    }
  }
  if (usable.empty()) return could_not_start("none of the hosts can be used; see above");
  return usable;
}

std::string host_lines(const std::vector<HostCheck>& checks, const FarmRequest& request,
                       const Lifeline& lifeline) {
  std::string text;
  for (const auto& [host, unusable, processors] : checks) {
    const auto jobs = request.jobs_per_host > 0 ? request.jobs_per_host
                      : host.processors > 0     ? host.processors
                                                : std::max<std::size_t>(processors, 1);
    text += std::to_string(jobs) + '/' + lifeline.holder() + ' ' + ssh_of(host) + ' ' + host.host +
            '\n';
  }
  return text;
}

/// What has been run so far, kept only when it is resumed.
Expected<void> prepare(const FarmFolder& folder, const FarmRequest& request,
                       const std::string& jobs) {
  const auto& cells = request.run.cells;
  if (request.resume && fs::exists(folder.jobs()) && read_text(folder.jobs()) != jobs) {
    return could_not_start("--resume: " + folder.jobs().string() +
                           " holds other jobs; give the options of the first time");
  }
  std::error_code error;
  if (!request.resume) {
    fs::remove_all(folder.farm(), error);
    for (const auto& cell : cells) {
      if (!error) fs::remove_all(folder.cell(cell), error);
    }
    if (error) {
      return could_not_start("cannot empty " + folder.output.string() + ": " + error.message() +
                             "; choose another folder with -o");
    }
  }
  if (auto made = prepare_folder(folder.output); !made) return made;
  if (auto made = prepare_folder(folder.farm() / "streams"); !made) return made;
  auto written = write_file(folder.output / "cells.json", job_list(cells));
  if (written) written = write_file(folder.jobs(), jobs);
  return written;
}

Expected<JobLog> read_log(const FarmFolder& folder, std::size_t jobs) {
  return parse_job_log(read_text(folder.log()), folder.log().string(), jobs);
}

const JobLogEntry* entry_of(const JobLog& log, std::size_t job) {
  const auto found = std::ranges::find(log.entries, job, &JobLogEntry::job);
  return found == log.entries.end() ? nullptr : &*found;
}

std::string last_words(const fs::path& file) {
  const auto text = read_text(file);
  const auto lines = non_empty_lines(text);
  return lines.empty() ? "" : ": " + plain_text(lines.back());
}

/// Why a job came to no verdict.
CellResult lost(const CellSpec& cell, const JobLogEntry* entry, const FarmFolder& folder) {
  if (interrupted()) {
    return missing_cell(cell, "MISS: interrupted before it ended", ExitCode::interrupted);
  }
  if (entry == nullptr) return missing_cell(cell, "MISS: the job was never run to its end");
  const auto host = entry->host.substr(entry->host.rfind(' ') + 1);
  const auto words = " on " + host + last_words(folder.said(cell));
  if (entry->signal != 0 || entry->exit < 0) {
    return missing_cell(cell, "MISS: the last try was killed" + words);
  }
  if (entry->exit == 255)
    return missing_cell(cell, "MISS: the last try lost its connection" + words);
  return missing_cell(cell, "MISS: the last try ended with " + std::to_string(entry->exit) + words,
                      entry->exit == static_cast<int>(ExitCode::could_not_start)
                          ? ExitCode::could_not_start
                          : ExitCode::no_results);
}

/// The result of each cell that has one, from its folder or from what its job sent.
class Collector {
 public:
  Collector(const FarmFolder& folder, const std::vector<CellSpec>& cells)
      : folder_(folder), cells_(cells) {}

  void collect(const JobLog& log) {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const auto* const entry = entry_of(log, i + 1);
      if (results_.contains(i) || entry == nullptr || !entry->succeeded()) continue;
      if (const auto stream = folder_.stream(cells_[i]); fs::exists(stream)) {
        take(i, take_results(stream, cells_[i], folder_.cell(cells_[i])));
        std::error_code ignored;
        if (results_.contains(i)) fs::remove(stream, ignored);
      } else {
        take(i, taken_results(cells_[i], folder_.cell(cells_[i])));
      }
    }
  }

  /// The log without what would keep parallel from running a cell that has no result.
  JobLog without_lost(JobLog log) const {
    std::erase_if(log.entries,
                  [this](const JobLogEntry& entry) { return !results_.contains(entry.job - 1); });
    return log;
  }

  bool complete() const { return results_.size() == cells_.size(); }

  std::vector<CellResult> all(const JobLog& log) const {
    std::vector<CellResult> cells;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const auto found = results_.find(i);
      const auto broken = broken_.find(i);
      cells.push_back(found != results_.end()   ? found->second
                      : broken != broken_.end() ? missing_cell(cells_[i], "MISS: " + broken->second)
                                                : lost(cells_[i], entry_of(log, i + 1), folder_));
    }
    return cells;
  }

 private:
  void take(std::size_t i, Expected<CellResult> result) {
    broken_.erase(i);
    if (result) {
      results_.emplace(i, std::move(*result));
    } else {
      broken_[i] = result.error().message;
    }
  }

  const FarmFolder& folder_;
  const std::vector<CellSpec>& cells_;
  std::map<std::size_t, CellResult> results_;
  std::map<std::size_t, std::string> broken_;
};

std::vector<std::string> parallel_words(const FarmRequest& request, const fs::path& hosts) {
  std::vector<std::string> words{"parallel",
                                 "--plain",
                                 "--will-cite",
                                 "--sshloginfile",
                                 hosts.string(),
                                 "--jobs",
                                 "100%",
                                 "--retries",
                                 std::to_string(request.tries),
                                 "--joblog",
                                 "joblog",
                                 "--resume-failed",
                                 "--results",
                                 "streams/{1}.tgz",
                                 "--colsep",
                                 "\\t",
                                 "--arg-file",
                                 "jobs"};
  if (request.timeout.count() > 0) {
    words.insert(words.end(), {"--timeout", std::to_string(request.timeout.count())});
  }
  words.push_back(remote_job_command());
  return words;
}

void tell_progress(const FarmFolder& folder, std::size_t jobs, std::size_t& told) {
  const auto log = read_log(folder, jobs);
  if (!log || log->entries.size() <= told) return;
  told = log->entries.size();
  const auto& last = log->entries.back();
  spdlog::info("{} of {} jobs have ended, the last on {}", told, jobs,
               last.host.substr(last.host.rfind(' ') + 1));
}

/// Until parallel has ended. Interrupted, it is told to begin nothing more, and the line is cut, so
/// that the runs on the hosts end.
Expected<void> run_parallel(const FarmRequest& request, const FarmFolder& folder,
                            Lifeline& lifeline, const fs::path& hosts) {
  constexpr int a_moment = 1000;
  constexpr int moments_to_end = 20;
  auto child =
      Process::start({.argv = parallel_words(request, hosts),
                      .extra_env = {"SHELL=/bin/sh", "PARALLEL_SHELL=/bin/sh", "PARALLEL="},
                      .stderr_file = folder.farm() / "parallel.log",
                      .working_directory = folder.farm()});
  if (!child) return std::unexpected(child.error());
  std::size_t told = 0;
  int moments_left = moments_to_end;
  std::array<pollfd, 3> events{
      {{child->pidfd(), POLLIN, 0}, {interrupt_fd(), POLLIN, 0}, {child->stdout_fd(), POLLIN, 0}}};
  for (;;) {
    const int ready = ::poll(events.data(), events.size(), a_moment);
    if (ready > 0 && (events[0].revents & POLLIN) != 0) break;
    if (ready > 0 && events[2].revents != 0) {
      // The archives once more: with --results they go into their files as well.
      std::array<char, 65536> ignored;
      if (::read(child->stdout_fd(), ignored.data(), ignored.size()) == 0) events[2].fd = -1;
    }
    if (events[1].fd >= 0 && interrupted()) {
      spdlog::warn("interrupted: the runs on the hosts are being ended");
      ::kill(child->pid(), SIGTERM);
      lifeline.cut();
      events[1].fd = -1;
    }
    if (ready == 0 && events[1].fd < 0 && interrupted() && --moments_left == 0) {
      child->kill();
      break;
    }
    if (ready == 0) tell_progress(folder, request.run.cells.size(), told);
  }
  const int status = child->wait();
  // Up to 101 counts the jobs that failed (parallel(1), EXIT STATUS).
  constexpr int most_counted = 101;
  if (!interrupted() && (!WIFEXITED(status) || WEXITSTATUS(status) > most_counted)) {
    spdlog::error("GNU parallel failed{}", last_words(folder.farm() / "parallel.log"));
  }
  return {};
}

}  // namespace

Expected<RunResult> run_farm(const FarmRequest& given) {
  auto request = given;
  request.run.cells = with_absolute_paths(given.run.cells);
  const auto& cells = request.run.cells;
  const auto start = std::chrono::steady_clock::now();
  const auto started = utc_time("%FT%TZ");
  const FarmFolder folder{fs::absolute(request.run.output).lexically_normal()};
  if (const auto shared = shared_names(cells); !shared.empty()) {
    return could_not_start("two cells would share the folder " + shared.front() +
                           ": name each once");
  }
  auto ready = require_parallel();
  if (!ready) return std::unexpected(ready.error());
  const auto jobs = job_lines(request.nsgate, request.run);
  if (!jobs) return std::unexpected(jobs.error());
  const auto hosts = usable_hosts(request);
  if (!hosts) return std::unexpected(hosts.error());
  ready = prepare(folder, request, *jobs);
  if (!ready) return std::unexpected(ready.error());
  auto lifeline = Lifeline::make();
  if (!lifeline) return std::unexpected(lifeline.error());
  const auto list = lifeline->folder() / "hosts";
  ready = write_file(list, host_lines(*hosts, request, *lifeline));
  if (!ready) return std::unexpected(ready.error());

  Collector collector(folder, cells);
  auto log = read_log(folder, cells.size());
  if (!log) return std::unexpected(log.error());
  collector.collect(*log);
  if (!collector.complete()) {
    ready = write_file(folder.log(), to_text(collector.without_lost(*log)));
    if (ready) ready = run_parallel(request, folder, *lifeline, list);
    if (!ready) return std::unexpected(ready.error());
    log = read_log(folder, cells.size());
    if (!log) return std::unexpected(log.error());
    collector.collect(*log);
  }

  RunResult gathered{
      .code = {}, .started = {}, .time = {}, .folder = {}, .cells = collector.all(*log)};
  std::vector<ExitCode> codes;
  for (const auto& cell : gathered.cells) codes.push_back(cell.verdict.code);
  gathered.code = gravest(codes);
  auto merged = merge({gathered}, {.strict = false, .expected = cells});
  if (!merged) return std::unexpected(merged.error());
  auto& run = merged->run;
  run.folder = folder.output;
  run.started = started;
  run.time = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  if (interrupted()) run.code = ExitCode::interrupted;
  if (const auto written = write_run(run); !written) {
    spdlog::error(written.error().message);
    run.code = gravest({run.code, ExitCode::infrastructure});
  }
  return std::move(run);
}

}  // namespace nsgate::lab
