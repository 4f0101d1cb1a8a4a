// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/base/process.h"
#include "lab/farm/host_check.h"
#include "scratch_folder.h"
#include "value_of.h"

namespace nsgate::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto hosts = parse_hosts(text, "hosts");
  return hosts ? "no error" : hosts.error().message;
}

TEST(Hosts, AreReadAsParallelReadsThem) {
  const auto hosts =
      value_of(parse_hosts("# ours\n\nlab1\n 8/user@lab2 \r\n"
                           "4/ssh -p 22 -i k root@lab3\n2//usr/bin/ssh lab4\n",
                           "hosts"));
  EXPECT_THAT(hosts, ElementsAre(FarmHost{"ssh", "lab1", 0}, FarmHost{"ssh", "user@lab2", 8},
                                 FarmHost{"ssh -p 22 -i k", "root@lab3", 4},
                                 FarmHost{"/usr/bin/ssh", "lab4", 2}));
}

TEST(Hosts, ErrorsNameFileAndLine) {
  EXPECT_THAT(error_of("a\n:\n"), HasSubstr("hosts:2: `:` goes without ssh; write localhost"));
  EXPECT_THAT(error_of("..\n"), HasSubstr("hosts:1: another list"));
  EXPECT_THAT(error_of("a\n\n@g/b\n"), HasSubstr("hosts:3: groups"));
  EXPECT_THAT(error_of("0/a\n"), HasSubstr("hosts:1: no count"));
  EXPECT_THAT(error_of("5000/a\n"), HasSubstr("hosts:1: no count"));
  EXPECT_THAT(error_of("4/\n"), HasSubstr("hosts:1: a count of processors without"));
  EXPECT_THAT(error_of("ssh -p\n"), HasSubstr("hosts:1: an option, but no host"));
  EXPECT_THAT(error_of("a\nb\x1b[m\n"), HasSubstr("hosts:2: holds a control character"));
  EXPECT_THAT(error_of("a\nb\n2/a\n"), HasSubstr("hosts:3: a is there twice"));
}

TEST(Hosts, FileWithoutAHostIsAnError) {
  EXPECT_THAT(error_of("# none\n"), HasSubstr("hosts: names no host"));
  const auto hosts = load_hosts("/nowhere/hosts");
  ASSERT_FALSE(hosts);
  EXPECT_THAT(hosts.error().message, HasSubstr("/nowhere/hosts"));
}

std::string verdict_on(const std::string& out, const HostQuestion& question) {
  return read_answer({}, out, question).unusable;
}

const std::string ours = "nsgate " NSGATE_VERSION "\nprocessors 6\n";
const std::string missing_payload =
    R"({"cells_can_run":false,"checks":[{"level":"missing","name":"payload","said":"no file"}]})";

TEST(HostCheck, GoodHostIsUsable) {
  const auto check = read_answer({}, ours + "doctor\n{\"checks\":[]}\n", {});
  EXPECT_EQ(check.unusable, "");
  EXPECT_EQ(check.processors, 6u);
}

TEST(HostCheck, AnotherVersionIsNotUsable) {
  EXPECT_THAT(verdict_on("nsgate 0.0.9\nprocessors 1\n", {.doctor = false}),
              HasSubstr("it has nsgate 0.0.9"));
  EXPECT_THAT(verdict_on("hello\n", {.doctor = false}), HasSubstr("no version"));
}

TEST(HostCheck, FileThatIsMissingThereIsNamed) {
  EXPECT_THAT(verdict_on(ours + "lacks /p/tests\n", {.doctor = false}),
              HasSubstr("lacks /p/tests"));
}

TEST(HostCheck, ProgramThatIsMissingThereIsNamed) {
  const ScratchFolder folder;
  const HostQuestion question{.nsgate = (folder.path() / "nsgate").string(), .doctor = false};
  std::filesystem::permissions(
      folder.write("nsgate", "#!/bin/sh\necho nsgate " NSGATE_VERSION "\n"),
      std::filesystem::perms(0755));
  const auto answer = [&] {
    const auto command = "PATH=" + folder.path().string() + "; " + question_command(question);
    return value_of(run({.argv = {"/bin/sh", "-c", command}})).out;
  };
  for (const auto* program : {"sh", "flock", "tar", "gzip"}) {
    std::filesystem::create_symlink("/bin/sh", folder.path() / program);
  }
  EXPECT_EQ(verdict_on(answer(), question), "it lacks the program setsid");
  std::filesystem::create_symlink("/bin/sh", folder.path() / "setsid");
  EXPECT_EQ(verdict_on(answer(), question), "");
}

TEST(HostCheck, DoctorHasTheLastWord) {
  EXPECT_THAT(verdict_on(ours + "doctor\n" + missing_payload, {}), HasSubstr("payload: no file"));
  EXPECT_EQ(verdict_on(ours + "doctor\n" + missing_payload, {.own_tests = false}), "");
  EXPECT_THAT(verdict_on(ours + "doctor\nSegmentation fault\n", {}), HasSubstr("gave no JSON"));
  EXPECT_THAT(verdict_on(ours, {}), HasSubstr("gave no JSON"));
  EXPECT_EQ(verdict_on(ours, {.doctor = false}), "");
}

}  // namespace
}  // namespace nsgate::lab
