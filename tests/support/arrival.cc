// SPDX-License-Identifier: Apache-2.0
#include "support/arrival.h"

#include <sstream>

#include "nsgate/in_netns.h"

namespace nsgate::test {
namespace {

Arrival arrival_of(const Result<NamespaceId>& seen) {
  if (seen) return arrival_in(*seen);
  return {how_it_ended(Result<void>(std::unexpected(seen.error()))), {}};
}

Arrival arrival_of(const Result<Finished>& ended) {
  return {how_it_ended(ended), printed_id(ended)};
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Arrival& arrival) {
  return out << arrival.ended << ", in " << arrival.netns;
}

Arrivals enter_all_ways(const Target& target, const UserTarget& both, const std::string& program) {
  const Command command{.argv = {program, "netns"}};
  return {arrival_of(in_netns(target, current_netns)), arrival_of(exec_in_netns(target, command)),
          arrival_of(exec_in_user_netns(both, command))};
}

NamespaceId printed_id(const Result<Finished>& ended) {
  NamespaceId id{};
  char colon = 0;
  if (ended) std::istringstream(ended->out) >> id.device >> colon >> id.inode;
  return id;
}

}  // namespace nsgate::test
