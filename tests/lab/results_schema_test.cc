// SPDX-License-Identifier: Apache-2.0
//
// vm/results.schema.json says what results.json holds, no more and no less. No validator is
// packaged, so this knows the few words of JSON Schema that the file uses, and refuses others.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "lab/report/merge.h"
#include "sample_run.h"

namespace nsgate::lab {
namespace {

using nlohmann::json;

json schema() {
  return json::parse(std::ifstream(std::filesystem::path(NSGATE_VM_DIR) / "results.schema.json"));
}

bool is_of_type(const json& value, const std::string& type) {
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
         (type == "integer" && value.is_number_integer()) ||
         (type == "number" && value.is_number());
}

std::string check(const json& value, const json& rule, const json& root, const std::string& place);

std::string check_object(const json& value, const json& rule, const json& root,
                         const std::string& place) {
  for (const auto& [key, inner] : value.items()) {
    if (!rule["properties"].contains(key)) return place + '.' + key + " is not in the schema";
    if (auto error = check(inner, rule["properties"][key], root, place + '.' + key);
        !error.empty()) {
      return error;
    }
  }
  for (const auto& key : rule["required"]) {
    if (!value.contains(key)) return place + '.' + key.get<std::string>() + " is required";
  }
  return {};
}

/// Empty, or what is wrong first.
std::string check(const json& value, const json& rule, const json& root, const std::string& place) {
  static const std::set<std::string> known{
      "$ref",  "type",       "description", "const",
      "enum",  "properties", "required",    "additionalProperties",
      "items", "minimum",    "pattern"};
  for (const auto& [word, ignored] : rule.items()) {
    if (!known.contains(word)) return "the schema's word " + word + " is unknown to this test";
  }
  if (rule.contains("$ref")) {
    const auto pointer = rule["$ref"].get<std::string>().substr(1);
    return check(value, root.at(json::json_pointer(pointer)), root, place);
  }
  if (rule.contains("const") && value != rule["const"]) return place + " is another constant";
  if (rule.contains("enum")) {
    const auto& words = rule["enum"];
    if (std::find(words.begin(), words.end(), value) == words.end())
      return place + " is no such word";
  }
  if (rule.contains("type") && !is_of_type(value, rule["type"])) return place + " has another type";
  if (rule.contains("properties")) return check_object(value, rule, root, place);
  if (!rule.contains("items")) return {};
  for (const auto& entry : value) {
    if (auto error = check(entry, rule["items"], root, place + "[]"); !error.empty()) return error;
  }
  return {};
}

std::string check(const nlohmann::ordered_json& document, const char* definition) {
  const auto root = schema();
  return check(json::parse(document.dump()), root["$defs"][definition], root, "$");
}

RunResult run_with_everything() {
  auto run = sample_run();
  run.cells[0].guests.push_back(
      {.qemu_command = {}, .nonce = {}, .first_test = 3, .slow = 1500, .retired = "x"});
  run.cells[0].verdict.splats.push_back(
      {.title = "t", .fingerprint = "f", .test = "A.B", .late = true, .text = "x"});
  run.cells.push_back(missing_cell({.kernel = "sid"}, "lost"));
  return run;
}

TEST(ResultsSchema, RunsHaveExactlyItsProperties) {
  EXPECT_EQ(check(to_json(run_with_everything()), "run"), "");
}

TEST(ResultsSchema, CellsHaveExactlyItsProperties) {
  for (const auto& cell : run_with_everything().cells) {
    EXPECT_EQ(check(to_json(cell), "cell_document"), "");
  }
}

TEST(ResultsSchema, AnythingElseIsRefused) {
  auto document = to_json(run_with_everything());
  document["cells"][0]["colour"] = "red";
  EXPECT_EQ(check(document, "run"), "$.cells[].colour is not in the schema");
  document = to_json(run_with_everything());
  document["cells"][0]["kernel"].erase("release");
  EXPECT_EQ(check(document, "run"), "$.cells[].kernel.release is required");
  document = to_json(run_with_everything());
  document["cells"][0]["tests"][0]["status"] = "GOOD";
  EXPECT_EQ(check(document, "run"), "$.cells[].tests[].status is no such word");
}

TEST(ResultsSchema, EveryObjectIsClosed) {
  const auto root = schema();
  for (const auto& [name, rule] : root["$defs"].items()) {
    if (rule.contains("properties")) {
      EXPECT_EQ(rule["additionalProperties"], false) << name;
    }
  }
}

}  // namespace
}  // namespace nsgate::lab
