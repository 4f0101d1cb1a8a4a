// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <net/if.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "conduct.h"
#include "helper.h"
#include "rights.h"

namespace {

using Words = std::vector<std::string>;
using nsgate::test::helper_system;
using nsgate::test::helper_usage;

int print_namespace(const char* path) {
  struct stat status {};
  if (::stat(path, &status) != 0) return helper_system;
  std::cout << status.st_dev << ':' << status.st_ino << '\n';
  return 0;
}

int print_fds(bool with_length) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  if (!directory) return helper_system;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with('.') || name == std::to_string(::dirfd(directory.get()))) continue;
    struct stat status {};
    if (::fstat(std::stoi(name), &status) != 0) return helper_system;
    std::cout << name;
    if (with_length) std::cout << ' ' << status.st_size;
    std::cout << '\n';
  }
  return 0;
}

int print_args(const Words& words) {
  for (const auto& word : words) std::cout << word << '\0';
  return 0;
}

int print_env() {
  for (char** entry = environ; *entry != nullptr; ++entry) std::cout << *entry << '\0';
  return 0;
}

int print_status(const Words& fields) {
  for (const auto& field : fields) {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line) && !line.starts_with(field + ":")) {
    }
    if (!status) return helper_usage;
    const auto value = line.find_first_not_of(" \t", field.size() + 1);
    std::cout << (value == std::string::npos ? "" : line.substr(value)) << '\n';
  }
  return 0;
}

int print_ids() {
  std::cout << ::getuid() << ' ' << ::geteuid() << ' ' << ::getgid() << ' ' << ::getegid() << '\n';
  return 0;
}

int print_stdin() {
  std::array<char, 4096> buffer{};
  ssize_t n = 0;
  while ((n = ::read(STDIN_FILENO, buffer.data(), buffer.size())) > 0) {
    std::cout.write(buffer.data(), n);
  }
  return n == 0 ? 0 : helper_system;
}

bool write_some(int fd, char byte, unsigned long& left) {
  const std::string bytes(std::min(left, 4096ul), byte);
  for (std::size_t sent = 0; sent < bytes.size();) {
    const auto n = ::write(fd, bytes.data() + sent, bytes.size() - sent);
    if (n < 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  left -= bytes.size();
  return true;
}

int write_both(const Words& words) {
  if (words.size() != 2) return helper_usage;
  unsigned long out = std::stoul(words[0]);
  unsigned long err = std::stoul(words[1]);
  while (out > 0 || err > 0) {
    if (!write_some(STDOUT_FILENO, 'o', out) || !write_some(STDERR_FILENO, 'e', err)) {
      return helper_system;
    }
  }
  return 0;
}

int die_of(const Words& words) {
  if (words.size() != 1) return helper_usage;
  // No core file beside the tests.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::raise(std::stoi(words[0]));
  return helper_usage;
}

int hang() {
  while (true) ::pause();
}

int leave_orphan() {
  const pid_t pid = ::fork();
  if (pid < 0) return helper_system;
  if (pid == 0) return hang();
  std::cout << pid << "\nparent\n";
  return 0;
}

int print_file(const Words& words) {
  if (words.size() != 1) return helper_usage;
  std::ifstream file(words[0]);
  if (!file) return helper_system;
  std::cout << file.rdbuf();
  return 0;
}

int print_ties() {
  int death_signal = 0;
  if (::prctl(PR_GET_PDEATHSIG, &death_signal) != 0) return helper_system;
  std::cout << ::getsid(0) << ' ' << ::getpgrp() << ' ' << death_signal << '\n';
  return 0;
}

int print_links() {
  const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> links(
      ::if_nameindex(), &::if_freenameindex);
  if (!links) return helper_system;
  for (const struct if_nameindex* link = links.get(); link->if_index != 0; ++link) {
    std::cout << link->if_name << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<int(const Words&)>> verbs{
      {"netns", [](const Words&) { return print_namespace("/proc/self/ns/net"); }},
      {"userns", [](const Words&) { return print_namespace("/proc/self/ns/user"); }},
      {"fds", [](const Words&) { return print_fds(false); }},
      {"lengths", [](const Words&) { return print_fds(true); }},
      {"args", print_args},
      {"env", [](const Words&) { return print_env(); }},
      {"status", print_status},
      {"ids", [](const Words&) { return print_ids(); }},
      {"stdin", [](const Words&) { return print_stdin(); }},
      {"write", write_both},
      {"exit",
       [](const Words& words) { return words.size() == 1 ? std::stoi(words[0]) : helper_usage; }},
      {"signal", die_of},
      {"hang", [](const Words&) { return hang(); }},
      {"orphan", [](const Words&) { return leave_orphan(); }},
      {"chunks", nsgate::test::write_chunks},
      {"file", print_file},
      {"ties", [](const Words&) { return print_ties(); }},
      {"abandon-stdout", [](const Words&) { return nsgate::test::abandon_stdout(); }},
      {"abort", [](const Words&) { return nsgate::test::dump_core(); }},
      {"flood", [](const Words&) { return nsgate::test::flood(); }},
      {"linger", [](const Words&) { return nsgate::test::linger(); }},
      {"stop",
       [](const Words& words) {
         return words.size() == 1 ? nsgate::test::stop(std::stoi(words[0])) : helper_usage;
       }},
      {"up", [](const Words&) { return nsgate::test::bring_loopback_up(); }},
      {"join", [](const Words&) { return nsgate::test::join_stdin(); }},
      {"links", [](const Words&) { return print_links(); }},
  };
  const auto verb = argc > 1 ? verbs.find(argv[1]) : verbs.end();
  if (verb == verbs.end()) {
    std::cerr << "nsgate_helper: no such verb; they are listed in helper.h\n";
    return helper_usage;
  }
  return verb->second(Words(argv + 2, argv + argc));
}
