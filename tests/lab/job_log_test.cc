// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/job_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::string head =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

std::string line(int job, const std::string& host, int exit, int signal) {
  return std::to_string(job) + '\t' + host + "\t1795466557.222\t     0.013\t0\t0\t" +
         std::to_string(exit) + '\t' + std::to_string(signal) + "\tsh -c 'a\tb'\n";
}

std::string error_of(const std::string& text) {
  const auto log = parse_job_log(text, "joblog", 9);
  return log ? "no error" : log.error().message;
}

TEST(JobLog, SaysHowEachJobEnded) {
  const auto log = value_of(parse_job_log(
      head + line(2, "/l/h ssh -p 1 h1", 0, 0) + line(1, "h2", 255, 0) + line(3, "h2", -1, 15),
      "joblog", 3));
  ASSERT_EQ(log.entries.size(), 3u);
  EXPECT_EQ(log.entries[0].job, 2u);
  EXPECT_EQ(log.entries[0].host, "/l/h ssh -p 1 h1");
  EXPECT_TRUE(log.entries[0].succeeded());
  EXPECT_EQ(log.entries[1].exit, 255);
  EXPECT_FALSE(log.entries[1].succeeded());
  EXPECT_EQ(log.entries[2].exit, -1);
  EXPECT_EQ(log.entries[2].signal, 15);
  EXPECT_FALSE(log.entries[2].succeeded());
}

TEST(JobLog, KilledJobIsNoSuccessWhateverItsCode) {
  const auto log = value_of(parse_job_log(head + line(1, "h", 0, 9), "joblog", 1));
  EXPECT_FALSE(log.entries[0].succeeded());
}

TEST(JobLog, LastEntryOfAJobCounts) {
  const auto log =
      value_of(parse_job_log(head + line(1, "h1", 255, 0) + line(1, "h2", 0, 0), "joblog", 1));
  ASSERT_EQ(log.entries.size(), 1u);
  EXPECT_EQ(log.entries[0].host, "h2");
}

TEST(JobLog, NothingIsAnEmptyLog) {
  EXPECT_THAT(value_of(parse_job_log("", "joblog", 1)).entries, IsEmpty());
  EXPECT_THAT(value_of(parse_job_log(head, "joblog", 1)).entries, IsEmpty());
}

TEST(JobLog, LineWithoutItsEndIsNotThere) {
  const auto cut = line(2, "h", 0, 0);
  const auto log = value_of(
      parse_job_log(head + line(1, "h", 0, 0) + cut.substr(0, cut.size() - 1), "joblog", 2));
  EXPECT_EQ(log.entries.size(), 1u);
}

TEST(JobLog, TextIsReadBack) {
  const auto text = head + line(2, "h1", 0, 0) + line(1, "h2", 255, 0);
  EXPECT_EQ(to_text(value_of(parse_job_log(text, "joblog", 2))), text);
}

TEST(JobLog, ErrorsNameFileAndLine) {
  EXPECT_THAT(error_of("hello\n"), HasSubstr("joblog:1: is no job log"));
  EXPECT_THAT(error_of(head + line(1, "h", 0, 0) + "1\th\n"), HasSubstr("joblog:3: is no line"));
  EXPECT_THAT(error_of(head + line(10, "h", 0, 0)), HasSubstr("joblog:2: tells of a job"));
  EXPECT_THAT(error_of(head + line(0, "h", 0, 0)), HasSubstr("joblog:2: tells of a job"));
}

}  // namespace
}  // namespace nsgate::lab
