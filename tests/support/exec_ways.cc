// SPDX-License-Identifier: Apache-2.0
#include "support/exec_ways.h"

#include <memory>

#include "support/namespaces.h"
#include "support/requirements.h"

namespace nsgate::test {

std::map<std::string, std::function<Result<Finished>(const Command&)>> exec_ways() {
  std::map<std::string, std::function<Result<Finished>(const Command&)>> ways;
  ways["exec_in_user_netns"] = [both = std::make_shared<UserScratch>()](const Command& command) {
    return exec_in_user_netns(UserTarget::process(both->pid()), command);
  };
  if (unmet(root)) return ways;
  ways["exec_in_netns"] = [net = std::make_shared<ScratchNetns>()](const Command& command) {
    return exec_in_netns(Target::process(net->pid()), command);
  };
  return ways;
}

}  // namespace nsgate::test
