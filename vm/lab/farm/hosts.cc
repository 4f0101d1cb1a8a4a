// SPDX-License-Identifier: Apache-2.0
#include "lab/farm/hosts.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
namespace {

/// Leaves in `error` what is wrong with the line.
FarmHost host_of(std::string line, std::string& error) {
  constexpr std::size_t most = 4096;
  FarmHost host;
  const auto digits = line.find_first_not_of("0123456789");
  if (digits > 0 && digits != std::string::npos && line[digits] == '/') {
    std::from_chars(line.data(), line.data() + digits, host.processors);
    if (host.processors < 1 || host.processors > most) error = "no count of processors: " + line;
    line.erase(0, digits + 1);
  }
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos) {
    error = "a count of processors without a host";
    return host;
  }
  line.erase(0, begin);
  if (line.starts_with('@')) error = "groups of hosts are not supported: " + line;
  const auto space = line.find_last_of(" \t");
  host.host = line.substr(space == std::string::npos ? 0 : space + 1);
  if (space != std::string::npos)
    host.ssh = line.substr(0, line.find_last_not_of(" \t", space) + 1);
  if (host.host == ":") error = "`:` goes without ssh; write localhost";
  if (host.host == ".." || host.host == "-") error = "another list is no host: " + host.host;
  if (host.host.starts_with('-') && host.host != "-") error = "an option, but no host: " + line;
  const auto is_control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; };
  if (std::ranges::any_of(line, is_control)) error = "holds a control character";
  return host;
}

}  // namespace

Expected<std::vector<FarmHost>> parse_hosts(std::string_view text, const std::string& name) {
  std::vector<FarmHost> hosts;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line.erase(line.find_last_not_of(" \t\r") + 1);
    line.erase(0, line.find_first_not_of(" \t"));
    if (line.empty() || line.starts_with('#')) continue;
    std::string error;
    auto host = host_of(line, error);
    const auto same = [&host](const FarmHost& other) {
      return other.ssh == host.ssh && other.host == host.host;
    };
    if (error.empty() && std::ranges::any_of(hosts, same)) {
      error = host.host + " is there twice; write 2/" + host.host + " for two jobs at a time";
    }
    if (!error.empty()) return could_not_start(name + ':' + std::to_string(number) + ": " + error);
    hosts.push_back(std::move(host));
  }
  if (hosts.empty()) return could_not_start(name + ": names no host; write one a line");
  return hosts;
}

Expected<std::vector<FarmHost>> load_hosts(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  if (in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  if (!in.is_open() || in.bad()) {
    return could_not_start("cannot read the hosts of " + file.string() +
                           "; give a file with one ssh host a line");
  }
  return parse_hosts(text.view(), file.string());
}

}  // namespace nsgate::lab
