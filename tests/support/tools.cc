// SPDX-License-Identifier: Apache-2.0
#include "support/tools.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "support/child_output.h"
#include "support/line.h"

namespace nsgate::test {
namespace {

/// For a child. Returns what a shell gives for a program that is not there.
int execute(const std::vector<std::string>& argv) {
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::dup2(STDOUT_FILENO, STDERR_FILENO);
  ::execvp(words[0], words.data());
  return 127;
}

bool is_in_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + '/' + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

bool probe_tools() { return is_in_path("nsenter") && is_in_path("unshare") && is_in_path("ip"); }

}  // namespace

const Requirement tools{"tools", "nsenter, unshare and ip in PATH", &probe_tools};

NamespaceId ToolRun::id() const {
  NamespaceId id{};
  char colon = 0;
  if (succeeded()) std::istringstream(text) >> id.device >> colon >> id.inode;
  return id;
}

ToolRun run_tool(const std::vector<std::string>& argv) {
  const auto child = output_of_child([&argv] { return execute(argv); });
  return {.exit_code = WIFEXITED(child.status) ? WEXITSTATUS(child.status) : -1, .text = child.out};
}

ToldProgram::ToldProgram(const std::vector<std::string>& argv) {
  Line line;
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(line.far.get(), STDIN_FILENO);
    ::_exit(execute(argv));
  }
  line.far.reset();
  // The tools execute the program in their own process.
  if (line.read_pid() == pid_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  throw std::runtime_error(argv.at(0) + " did not become the program");
}

ToldProgram::~ToldProgram() {
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace nsgate::test
