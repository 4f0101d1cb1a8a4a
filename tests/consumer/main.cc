// SPDX-License-Identifier: Apache-2.0
//
// Uses each public header of an installed nsgate. Exits with 0 when a closure and a program were
// refused or run as they should be by whoever runs it.
#include <nsgate/command.h>
#include <nsgate/error.h>
#include <nsgate/exec.h>
#include <nsgate/fd.h>
#include <nsgate/in_netns.h>
#include <nsgate/join.h>
#include <nsgate/netns.h>
#include <nsgate/resident.h>
#include <nsgate/target.h>
#include <nsgate/version.h>

#include <iostream>

int main() {
  const auto here = nsgate::Target::current();
  const auto entered = nsgate::in_netns(here, [] { return 7; });
  const auto resident = nsgate::Resident::open(here);
  const auto ended = nsgate::exec_in_netns(here, {.argv = {"true"}});
  std::cout << "nsgate " << nsgate::version() << '\n';
  const auto is_fair = [](const auto& result, bool success) {
    return result ? success : result.error().stage == nsgate::Stage::setns_net;
  };
  const bool fair = is_fair(entered, entered == 7) && is_fair(resident, true) &&
                    is_fair(ended, ended && ended->succeeded());
  return fair && std::string(nsgate::version()) == NSGATE_VERSION ? 0 : 1;
}
