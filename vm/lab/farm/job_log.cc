// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/job_log.h"

#include <algorithm>
#include <charconv>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

constexpr std::string_view columns =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand";

std::vector<std::string_view> fields_of(std::string_view line) {
  constexpr std::size_t all = 9;  // the command, the last, may hold tabs
  std::vector<std::string_view> fields;
  while (fields.size() + 1 < all) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) break;
    fields.push_back(line.substr(0, tab));
    line.remove_prefix(tab + 1);
  }
  fields.push_back(line);
  return fields;
}

template <typename Number>
bool read(std::string_view text, Number& number) {
  const auto* const end = text.data() + text.size();
  const auto done = std::from_chars(text.data(), end, number);
  return done.ec == std::errc{} && done.ptr == end;
}

}  // namespace

Expected<JobLog> parse_job_log(std::string_view text, const std::string& name, std::size_t jobs) {
  JobLog log;
  const auto wrong = [&name](std::size_t number, const std::string& what) {
    return could_not_start(name + ':' + std::to_string(number) + ": " + what +
                           "; without --resume all is run anew");
  };
  std::size_t number = 0;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (++number == 1) {
      if (line != columns) return wrong(1, "is no job log of GNU parallel");
      continue;
    }
    JobLogEntry entry;
    entry.line = line;
    const auto fields = fields_of(line);
    if (fields.size() != 9 || !read(fields[0], entry.job) || !read(fields[6], entry.exit) ||
        !read(fields[7], entry.signal)) {
      return wrong(number, "is no line of a job log");
    }
    if (entry.job < 1 || entry.job > jobs) return wrong(number, "tells of a job that is not ours");
    entry.host = fields[1];
    std::erase_if(log.entries, [&](const JobLogEntry& other) { return other.job == entry.job; });
    log.entries.push_back(std::move(entry));
  }
  return log;
}

std::string to_text(const JobLog& log) {
  std::string text = std::string(columns) + '\n';
  for (const auto& entry : log.entries) text += entry.line + '\n';
  return text;
}

}  // namespace nsgate::lab
