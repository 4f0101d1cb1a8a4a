// SPDX-License-Identifier: Apache-2.0
//
// What a kernel developer does besides running tests: bisecting, running a cell once more, looking
// at QEMU's command line, waiting for gdb, working without a network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "nsgate_program.h"
#include "scratch_folder.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

class NsgateForDevelopers : public testing::Test {
 protected:
  Words passing(const std::string& test = "Passes") const {
    return {"run",
            "--kernel",
            test_kernel(),
            "--user",
            "root",
            "--payload",
            NSGATE_FAULTY_PAYLOAD,
            "--filter",
            "Faulty." + test,
            "--accel",
            "tcg"};
  }
  std::string out(const std::string& name) const { return (folder.path() / name).string(); }

  const ScratchFolder folder;
};

TEST_F(NsgateForDevelopers, BisectionFindsTheCommitPastThoseThatCannotStart) {
  const auto image = test_kernel_image();
  const auto repository = folder.path() / "linux";
  const auto git = [&](Words words) {
    const auto answer =
        answer_of(Words{"git", "-C", repository.string(), "-c", "user.name=x", "-c",
                        "user.email=x@example.org", "-c", "init.defaultBranch=main"} +
                  words);
    EXPECT_EQ(answer.exit, 0) << answer.out << answer.err;
    return answer.out;
  };
  fs::create_directories(repository);
  git({"init", "-q"});
  const auto commit = [&](const std::string& name, bool starts, const std::string& test) {
    fs::remove(repository / "bzImage");
    if (starts) {
      fs::create_symlink(image, repository / "bzImage");
    } else {
      folder.write("linux/bzImage", "garbage of " + name);
    }
    folder.write("linux/test", test);
    folder.write("linux/name", name);
    git({"add", "-A"});
    git({"commit", "-qm", name});
  };
  commit("one", true, "Passes");
  commit("two", true, "Passes");
  commit("three", false, "Passes");
  commit("four", false, "Passes");
  commit("five", true, "Passes");
  commit("six", true, "FailsWithAMessage");
  commit("seven", true, "FailsWithAMessage");
  git({"bisect", "start", "HEAD", "HEAD~6"});
  const auto script =
      folder.write("step", "exec " NSGATE_PROGRAM
                           " run --bisect --kernel ./bzImage --user root --accel tcg "
                           "--payload " NSGATE_FAULTY_PAYLOAD " --filter Faulty.$(cat test) -o " +
                               out("step-results"));
  const auto found = git({"bisect", "run", "sh", script.string()});
  EXPECT_THAT(found, ContainsRegex("is the first bad commit(.|\n)*    six\n"));
  EXPECT_THAT(git({"bisect", "log"}), HasSubstr("# skip: "));
}

TEST_F(NsgateForDevelopers, KernelThatDoesNotBootIsBadUnlessABisectionAsksForVerdicts) {
  // Its header is whole, and its code is 0xff bytes, no instruction of any x86.
  auto image = contents(test_kernel_image());
  constexpr std::size_t code = 0x10000;
  ASSERT_GT(image.size(), code);
  std::fill(image.begin() + code, image.end(), '\xff');
  auto words = passing();
  words[2] = folder.write("bzImage", image).string();
  EXPECT_EQ(nsgate(words + Words{"-o", out("a")}).exit, 2);
  EXPECT_EQ(nsgate(words + Words{"--bisect", "-o", out("b")}).exit, 125);
}

TEST_F(NsgateForDevelopers, ReproRunsTheSameAndRefusesAnother) {
  const auto payload = folder.path() / "payload";
  fs::copy_file(NSGATE_FAULTY_PAYLOAD, payload);
  auto words = passing();
  words[6] = payload.string();
  ASSERT_EQ(nsgate(words + Words{"-o", out("first")}).exit, 0);
  const auto cell = fs::directory_iterator(folder.path() / "first");
  fs::path result;
  for (const auto& entry : cell) {
    if (entry.is_directory()) result = entry.path();
  }
  const auto again = nsgate({"repro", result.string(), "-o", out("again"), "--json"});
  EXPECT_EQ(again.exit, 0) << again.err;
  const auto cells = nlohmann::json::parse(again.out)["cells"];
  EXPECT_EQ(cells[0]["counts"]["PASS"], 1);

  std::ofstream(payload, std::ios::app) << "changed";
  const auto refused = nsgate({"repro", result.string(), "-o", out("refused")});
  EXPECT_EQ(refused.exit, 125);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("differs: payload " + payload.string() + ": was"),
                                 HasSubstr("--anyway")));
  EXPECT_FALSE(fs::exists(out("refused")));
  const auto line =
      nsgate({"repro", result.string(), "--anyway", "--dry-run", "-o", out("anyway")});
  EXPECT_EQ(line.exit, 0) << line.err;
  EXPECT_THAT(line.out, HasSubstr("-initrd"));
}

TEST_F(NsgateForDevelopers, DryRunPrintsALineThatRuns) {
  const auto printed = nsgate(passing() + Words{"--dry-run", "-o", out("it's here")});
  ASSERT_EQ(printed.exit, 0) << printed.err;
  const auto guest = answer_of({"sh", "-c", printed.out});
  EXPECT_EQ(guest.exit, 0) << guest.err;
  EXPECT_THAT(guest.out, ContainsRegex("@[0-9]+ .*bye.*\"tests\":1"));
}

TEST_F(NsgateForDevelopers, RepeatsUntilItFails) {
  const auto passed = nsgate(passing() + Words{"--repeat", "2", "-o", out("two")});
  EXPECT_EQ(passed.exit, 0) << passed.err;
  EXPECT_THAT(passed.out, HasSubstr("2 runs: 2 passed; results in "));
  EXPECT_TRUE(fs::exists(out("two") + "/2/results.json"));
  const auto failed = nsgate(passing("FailsWithAMessage") +
                             Words{"--repeat", "9", "--until-fail", "-o", out("until")});
  EXPECT_EQ(failed.exit, 1);
  EXPECT_THAT(failed.out, AllOf(HasSubstr("the sky is green"),
                                HasSubstr("1 run: 0 passed; no pass: number 1 (fail)")));
}

TEST_F(NsgateForDevelopers, TestsAreListedWithoutAGuest) {
  const auto listed =
      nsgate({"run", "--kernel", "/nowhere/bzImage", "--payload", NSGATE_FAULTY_PAYLOAD, "--filter",
              "Faulty.Passes:Faulty.Hangs", "--list-tests"},
             {"QEMU=/nowhere/qemu"});
  EXPECT_EQ(listed.exit, 0) << listed.err;
  EXPECT_EQ(listed.out, "Faulty.Passes\nFaulty.Hangs\n");
}

TEST_F(NsgateForDevelopers, WithoutANetworkEverythingMissingIsNamed) {
  const auto answer = nsgate(
      {"run", "--tier", "full"},
      {"NSGATE_OFFLINE=1", "XDG_CACHE_HOME=" + out("cache"), "XDG_STATE_HOME=" + out("state")});
  EXPECT_EQ(answer.exit, 125);
  for (const char* missing : {"5.10", "6.1", "6.12", "userland bookworm", "userland trixie"}) {
    EXPECT_THAT(answer.err, HasSubstr(missing));
  }
}

/// A port that nobody listens at.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

/// Connects once somebody listens, and reads until `text` comes, as gdb's remote protocol has it.
class RemoteProtocol {
 public:
  explicit RemoteProtocol(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < until) {
      fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
      ::close(std::exchange(fd_, -1));
      ::poll(nullptr, 0, 20);
    }
  }
  RemoteProtocol(const RemoteProtocol&) = delete;
  ~RemoteProtocol() { ::close(fd_); }

  std::string ask(const std::string& packet, char last) const {
    [[maybe_unused]] const auto written = ::write(fd_, packet.data(), packet.size());
    std::string said;
    char c = 0;
    while (!said.ends_with(last) && ::read(fd_, &c, 1) == 1) said += c;
    return said;
  }

 private:
  int fd_ = -1;
};

TEST_F(NsgateForDevelopers, GuestWaitsForGdbBeforeItsFirstInstruction) {
  const auto port = free_port();
  const auto log = folder.path() / "stderr";
  auto started = Process::start({.argv = Words{NSGATE_PROGRAM} + passing() +
                                         Words{"--gdb", std::to_string(port), "-o", out("gdb")},
                                 .stderr_file = log});
  ASSERT_TRUE(started);
  {
    const RemoteProtocol gdb(port);
    EXPECT_THAT(gdb.ask("$?#3f", '#'), HasSubstr("$T05"));
    // Detached, it goes on.
    gdb.ask("+$D#44", '+');
  }
  EXPECT_EQ(started->wait(), 0) << contents(log);
  EXPECT_THAT(contents(log), HasSubstr("target remote 127.0.0.1:" + std::to_string(port)));
}

TEST_F(NsgateForDevelopers, GdbTakesOneCell) {
  const auto answer =
      nsgate({"run", "--kernel", test_kernel(), "--payload", NSGATE_FAULTY_PAYLOAD, "--gdb"});
  EXPECT_EQ(answer.exit, 125);
  EXPECT_THAT(answer.err, AllOf(HasSubstr("one cell"), Not(HasSubstr("boot"))));
}

}  // namespace
}  // namespace nsgate::lab
