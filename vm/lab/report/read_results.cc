// SPDX-License-Identifier: Apache-2.0
#include "lab/report/read_results.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

namespace nsgate::lab {
namespace {

using nlohmann::ordered_json;

/// One object of the document. The first thing that is wrong anywhere is kept in `error`, with its
/// place; reading goes on with empty values and comes to nothing.
class Node {
 public:
  Node(const ordered_json& json, std::string place, std::string& error)
      : json_(json), place_(std::move(place)), error_(error) {
    if (!json_.is_object()) complain("", "is no object");
  }

  std::string text(const char* key) {
    const auto* const value = take(key);
    if (value != nullptr && value->is_string()) return value->get<std::string>();
    complain(key, "is no text");
    return {};
  }
  double number(const char* key) {
    constexpr double longest = 1e9;
    const auto* const value = take(key);
    if (value != nullptr && value->is_number()) {
      const auto number = value->get<double>();
      if (number >= 0 && number <= longest) return number;
    }
    complain(key, "is no number from 0 to 1000000000");
    return 0;
  }
  std::size_t count(const char* key) {
    const auto* const value = take(key);
    if (value != nullptr && value->is_number_unsigned()) return value->get<std::size_t>();
    complain(key, "is no count");
    return 0;
  }
  bool truth(const char* key) {
    const auto* const value = take(key);
    if (value != nullptr && value->is_boolean()) return value->get<bool>();
    complain(key, "is neither true nor false");
    return false;
  }
  std::vector<std::string> texts(const char* key) {
    std::vector<std::string> all;
    for (const auto& entry : list(key)) {
      if (!entry.is_string()) complain(key, "holds something that is no text");
      if (entry.is_string()) all.push_back(entry.get<std::string>());
    }
    return all;
  }
  /// "2026-11-23T13:36:59Z"; such texts sort by time.
  std::string time(const char* key) {
    const auto value = text(key);
    constexpr std::string_view form = "dddd-dd-ddTdd:dd:ddZ";
    bool good = value.size() == form.size();
    for (std::size_t i = 0; good && i < form.size(); ++i) {
      good = form[i] == 'd' ? value[i] >= '0' && value[i] <= '9' : value[i] == form[i];
    }
    if (!good) complain(key, "is no time such as 2026-11-23T13:36:59Z");
    return value;
  }
  bool has(const char* key) const { return json_.is_object() && json_.contains(key); }

  Node child(const char* key) {
    const auto* const value = take(key);
    return {value != nullptr ? *value : nothing(), place_of(key), error_};
  }
  template <typename Read>
  void each(const char* key, Read read) {
    std::size_t index = 0;
    for (const auto& entry : list(key)) {
      read(Node(entry, fmt::format("{}[{}]", place_of(key), index++), error_));
    }
  }

  void complain(const char* key, const std::string& what) const {
    if (error_.empty()) error_ = place_of(key) + ": " + what;
  }
  /// Says so when there is a property that nobody asked for.
  void finish() const {
    if (!json_.is_object()) return;
    for (const auto& [key, value] : json_.items()) {
      if (!taken_.contains(key)) complain(key.c_str(), "is unknown to schema version 1");
    }
  }

 private:
  static const ordered_json& nothing() {
    static const auto object = ordered_json::object();
    return object;
  }
  std::string place_of(const std::string& key) const {
    if (key.empty()) return place_.empty() ? "the document" : place_;
    return place_.empty() ? key : place_ + '.' + key;
  }
  const ordered_json* take(const char* key) {
    taken_.insert(key);
    if (has(key)) return &json_[key];
    complain(key, "is missing");
    return nullptr;
  }
  const ordered_json& list(const char* key) {
    static const auto none = ordered_json::array();
    const auto* const value = take(key);
    if (value != nullptr && value->is_array()) return *value;
    complain(key, "is no list");
    return none;
  }

  const ordered_json& json_;
  std::string place_;
  std::string& error_;
  std::set<std::string> taken_;
};

std::chrono::microseconds microseconds(double seconds) {
  return std::chrono::microseconds(std::llround(seconds * 1e6));
}
std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(std::llround(seconds * 1e3));
}

ExitCode read_verdict(Node& node) {
  using enum ExitCode;
  const auto word = node.text("verdict");
  const auto number = node.count("exit_code");
  for (const auto code : {pass, fail, infrastructure, no_results, all_skipped, deadline,
                          could_not_start, interrupted}) {
    if (to_string(code) != word) continue;
    if (number != static_cast<std::size_t>(code))
      node.complain("exit_code", "is not the verdict's");
    return code;
  }
  node.complain("verdict", "is none");
  return no_results;
}

Status read_status(Node& node) {
  using enum Status;
  const auto word = node.text("status");
  for (const auto status : {pass, fail, error, miss, skip}) {
    if (to_string(status) == word) return status;
  }
  node.complain("status", "is none of PASS, FAIL, ERROR, MISS and SKIP");
  return miss;
}

TestResult read_test(Node node) {
  TestResult test{.test = node.text("test"),
                  .status = read_status(node),
                  .reason = node.text("reason"),
                  .behaviours = node.texts("behaviours"),
                  .time = microseconds(node.number("seconds")),
                  .output = {}};
  const bool explains = test.status == Status::fail || test.status == Status::error;
  if (explains) test.output = node.text("output");
  if (test.test.empty()) node.complain("test", "is empty");
  node.finish();
  return test;
}

Splat read_splat(Node node) {
  Splat splat{.title = node.text("title"),
              .fingerprint = node.text("fingerprint"),
              .test = node.text("test"),
              .late = node.truth("late"),
              .text = node.text("text"),
              .allowed = node.text("allowed")};
  node.finish();
  return splat;
}

GuestRecord read_guest(Node node) {
  GuestRecord guest{
      .qemu_command = {},
      .nonce = {},
      .first_test = node.count("first_test"),
      .slow = static_cast<std::uint64_t>(std::llround(node.number("slow_factor") * 1000)),
      .retired = node.text("retired")};
  node.finish();
  return guest;
}

Kernel read_kernel(Node node) {
  Kernel kernel{.name = node.text("name"),
                .release = {},
                .package_version = node.text("version"),
                .image = {},
                .image_sha256 = {},
                .unpinned = {}};
  kernel.release = node.text("release");
  kernel.image_sha256 = node.text("image_sha256");
  kernel.unpinned = node.text("unpinned");
  node.finish();
  return kernel;
}

frame::User read_user(Node& node) {
  const auto word = node.text("user");
  if (const auto user = frame::user_of(word)) return *user;
  node.complain("user", "is neither root nor rootless nor nested");
  return frame::User::root;
}

Accelerator read_accelerator(Node& node) {
  const auto word = node.text("accelerator");
  for (const auto accelerator : {Accelerator::kvm, Accelerator::tcg}) {
    if (to_string(accelerator) == word) return accelerator;
  }
  node.complain("accelerator", "is neither kvm nor tcg");
  return Accelerator::tcg;
}

Shard read_shard(Node& node) {
  const auto text = node.text("shard");
  const auto* const end = text.data() + text.size();
  Shard shard;
  const auto index = std::from_chars(text.data(), end, shard.index);
  if (index.ec == std::errc{} && index.ptr != end && *index.ptr == '/') {
    const auto of = std::from_chars(index.ptr + 1, end, shard.of);
    if (of.ec == std::errc{} && of.ptr == end && shard.index >= 1 && shard.index <= shard.of) {
      return shard;
    }
  }
  node.complain("shard", "is none, such as 1/3");
  return {};
}

/// A verdict that its own tests contradict is nobody's.
void check_verdict(const Node& node, const CellResult& result) {
  const auto& tests = result.verdict.tests;
  const auto with = [&result](Status status) { return count(result, status); };
  const auto bad = with(Status::fail) + with(Status::error) + with(Status::miss);
  const auto code = result.verdict.code;
  if (code == ExitCode::pass && (bad > 0 || with(Status::pass) == 0)) {
    node.complain("verdict", "is pass, but the tests say otherwise");
  }
  if (code == ExitCode::all_skipped && with(Status::skip) != tests.size()) {
    node.complain("verdict", "is \"all skipped\", but not all tests were");
  }
  if (with(Status::fail) > 0 && code != ExitCode::fail && code != ExitCode::interrupted) {
    node.complain("verdict", "hides a test that failed");
  }
  const bool good = code == ExitCode::pass || code == ExitCode::all_skipped;
  if (good && std::ranges::any_of(result.verdict.splats, &std::string::empty, &Splat::allowed)) {
    node.complain("verdict", "hides what the kernel said");
  }
  if (good && !result.verdict.reasons.empty()) {
    node.complain("verdict", "is good, but there are reasons why not");
  }
  std::set<std::string> names;
  for (const auto& test : tests) {
    if (!names.insert(test.test).second) node.complain("tests", "hold " + test.test + " twice");
  }
}

void read_counts(Node node, const CellResult& result) {
  for (const auto status :
       {Status::pass, Status::fail, Status::error, Status::miss, Status::skip}) {
    const std::string word(to_string(status));
    if (node.count(word.c_str()) != count(result, status)) {
      node.complain(word.c_str(), "is not the number of such tests");
    }
  }
  node.finish();
}

CellResult read_cell(Node& node) {
  CellResult result;
  const auto name = node.text("cell");
  result.cell.kernel = read_kernel(node.child("kernel"));
  result.cell.userland.name = node.text("userland");
  auto& spec = result.cell.spec;
  spec.kernel = result.cell.kernel.name;
  spec.userland = result.cell.userland.name;
  spec.profile = node.text("profile");
  spec.user = read_user(node);
  spec.payload = node.text("payload");
  spec.shard = read_shard(node);
  if (name_of(spec) != name)
    node.complain("cell", "is not the name of this cell: " + name_of(spec));
  result.accelerator = read_accelerator(node);
  result.accelerator_reason = node.text("accelerator_reason");
  result.started = node.time("started");
  result.time = milliseconds(node.number("seconds"));
  auto& verdict = result.verdict;
  verdict.code = read_verdict(node);
  verdict.reasons = node.texts("reasons");
  node.each("guests", [&](Node guest) { result.guests.push_back(read_guest(std::move(guest))); });
  verdict.guests = result.guests.size();
  node.each("splats", [&](Node splat) { verdict.splats.push_back(read_splat(std::move(splat))); });
  node.each("tests", [&](Node test) { verdict.tests.push_back(read_test(std::move(test))); });
  for (const auto& test : verdict.tests) result.cell.tests.push_back(test.test);
  read_counts(node.child("counts"), result);
  check_verdict(node, result);
  node.finish();
  return result;
}

RunResult read_document(Node node) {
  RunResult run;
  if (node.count("schema_version") != 1) node.complain("schema_version", "is not 1");
  if (node.text("nsgate").empty()) node.complain("nsgate", "is empty");
  if (!node.has("cells")) {
    run.cells.push_back(read_cell(node));
    run.code = run.cells.front().verdict.code;
    run.started = run.cells.front().started;
    run.time = run.cells.front().time;
    return run;
  }
  run.started = node.time("started");
  run.time = milliseconds(node.number("seconds"));
  run.code = read_verdict(node);
  run.folder = node.text("folder");
  std::vector<ExitCode> codes;
  node.each("cells", [&](Node cell) {
    run.cells.push_back(read_cell(cell));
    codes.push_back(run.cells.back().verdict.code);
  });
  // A run may be worse than its cells, such as when its results could not be written; never better.
  const auto of_cells = gravest(codes);
  const bool worse = run.code != ExitCode::pass && run.code != ExitCode::all_skipped &&
                     gravest({of_cells, run.code}) == run.code;
  if (run.code != of_cells && !worse) node.complain("verdict", "is better than that of a cell");
  node.finish();
  return run;
}

/// Nothing, and what is wrong in `error`, when it is no JSON. JSON leaves the meaning of a key
/// that comes twice open (RFC 8259, 4); here it is an error.
std::optional<ordered_json> parse(std::string_view text, std::string& error) {
  std::vector<std::set<std::string>> keys;
  const auto seen = [&](int, ordered_json::parse_event_t event, ordered_json& parsed) {
    using Event = ordered_json::parse_event_t;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second &&
        error.empty()) {
      error = "the key " + parsed.get<std::string>() + " comes twice in one object";
    }
    return true;
  };
  try {
    auto document = ordered_json::parse(text, seen);
    if (error.empty()) return document;
  } catch (const ordered_json::exception& caught) {
    error = std::string("is no JSON: ") + caught.what();
  }
  return std::nullopt;
}

std::unexpected<Failure> unusable(const std::string& name, const std::string& what) {
  return std::unexpected(Failure{ExitCode::infrastructure, name + ": " + what});
}

}  // namespace

Expected<RunResult> parse_results(std::string_view text, const std::string& name) {
  std::string error;
  const auto document = parse(text, error);
  if (!document) return unusable(name, error);
  auto run = read_document(Node(*document, "", error));
  if (!error.empty()) return unusable(name, error);
  return run;
}

Expected<RunResult> read_results(const std::filesystem::path& file) {
  constexpr std::uintmax_t most = 256U << 20U;
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) return unusable(file.string(), error.message());
  if (size > most) return unusable(file.string(), "is larger than 256 MiB");
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  auto run = parse_results(text.view(), file.string());
  if (run && run->folder.empty()) run->folder = file.parent_path();
  return run;
}

}  // namespace nsgate::lab
