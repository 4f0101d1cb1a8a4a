// SPDX-License-Identifier: Apache-2.0
#include "support/plans.h"

#include <system_error>

#include "support/no_program.h"

namespace nsgate::test {

const Plans all_enter{entered, entered, entered, entered};

std::ostream& operator<<(std::ostream& out, const Plans& plans) {
  return out << "automatic: " << plans.automatic << "; sequential: " << plans.sequential
             << "; one shot: " << plans.one_shot << "; owner-aware: " << plans.owner_aware;
}

Plans try_plans(const UserTarget& target, const std::function<int()>& become) {
  struct Answer {
    int error;
    Plans plans;
  };
  const auto answer = answer_of_child([&]() -> Answer {
    if (const int error = become(); error != 0) return {error, {}};
    const auto attempt = [&](Plan plan) {
      return how_it_ended(exec_in_user_netns(target, no_program, plan));
    };
    return {0,
            {.automatic = attempt(Plan::automatic),
             .sequential = attempt(Plan::sequential),
             .one_shot = attempt(Plan::one_shot),
             .owner_aware = attempt(Plan::owner_aware)}};
  });
  if (answer.error != 0) {
    throw std::system_error(answer.error, std::generic_category(), "becoming the caller");
  }
  return answer.plans;
}

UserTarget descriptors_of(const NamespaceFiles& files) {
  return UserTarget::descriptors({.user = files.user.get(), .net = files.net.get()});
}

}  // namespace nsgate::test
