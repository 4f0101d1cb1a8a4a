// SPDX-License-Identifier: Apache-2.0
#include "model/operation.h"

#include <array>

namespace nsgate::model {
namespace {

/// As often as there is something to learn from it.
constexpr auto table = std::to_array<Kind>({
    Kind::start,          Kind::fork,
    Kind::fork,           Kind::fork,
    Kind::new_thread,     Kind::exit_thread,
    Kind::exit_process,   Kind::reap,
    Kind::unshare_net,    Kind::unshare_net,
    Kind::unshare_user,   Kind::unshare_map,
    Kind::unshare_map,    Kind::unshare_map,
    Kind::unshare_both,   Kind::open_net,
    Kind::open_net,       Kind::open_net,
    Kind::open_user,      Kind::open_user,
    Kind::open_path,      Kind::pidfd_open,
    Kind::pidfd_open,     Kind::pidfd_open,
    Kind::pidfd_net,      Kind::pidfd_user,
    Kind::duplicate,      Kind::close,
    Kind::setns,          Kind::setns,
    Kind::setns,          Kind::setns,
    Kind::setns,          Kind::setns,
    Kind::owner,          Kind::parent,
    Kind::socket,         Kind::socket_net,
    Kind::cookie,         Kind::pass,
    Kind::pass,           Kind::take,
    Kind::take,           Kind::drop,
    Kind::drop,           Kind::raise,
    Kind::dumpable,       Kind::become_user,
    Kind::become_user,    Kind::in_netns_process,
    Kind::in_netns_pidfd, Kind::in_netns_file,
    Kind::exec_both,

});

constexpr auto names = std::to_array<std::string_view>({"start",
                                                        "fork",
                                                        "new_thread",
                                                        "exit_thread",
                                                        "exit_process",
                                                        "reap",
                                                        "unshare_net",
                                                        "unshare_user",
                                                        "unshare_map",
                                                        "unshare_both",
                                                        "open_net",
                                                        "open_user",
                                                        "open_path",
                                                        "pidfd_open",
                                                        "pidfd_net",
                                                        "pidfd_user",
                                                        "duplicate",
                                                        "close",
                                                        "setns",
                                                        "owner",
                                                        "parent",
                                                        "socket",
                                                        "socket_net",
                                                        "cookie",
                                                        "pass",
                                                        "take",
                                                        "drop",
                                                        "raise",
                                                        "dumpable",
                                                        "become_user",
                                                        "in_netns_process",
                                                        "in_netns_pidfd",
                                                        "in_netns_file",
                                                        "exec_both"});
static_assert(names.size() == kinds);

}  // namespace

Kind kind_of(const Operation& operation) { return table[operation.kind % table.size()]; }

std::string_view to_string(Kind kind) { return names[static_cast<std::size_t>(kind)]; }

std::vector<Operation> decode(std::span<const std::uint8_t> bytes) {
  std::vector<Operation> operations;
  for (; bytes.size() >= 4; bytes = bytes.subspan(4)) {
    operations.push_back({.kind = bytes[0], .actor = bytes[1], .a = bytes[2], .b = bytes[3]});
  }
  return operations;
}

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << to_string(step.kind) << " by thread " << step.thread << " of process "
             << step.process << " (process " << step.target << " thread " << step.target_thread
             << ", descriptor " << step.slot << ", theirs " << step.other << ", made " << step.made
             << ", value " << step.value << (step.odd ? ", odd)" : ")");
}

}  // namespace nsgate::model
