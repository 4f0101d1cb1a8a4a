// SPDX-License-Identifier: Apache-2.0
//
// Laws of the plans, whichever user namespaces are above, below or beside each other.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sched.h>

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "nsgate/exec.h"
#include "support/capabilities.h"
#include "support/joins.h"
#include "support/namespaces.h"
#include "support/no_program.h"
#include "support/plans.h"
#include "support/requirements.h"

namespace nsgate::test {
namespace {

/// One of the tree's user namespaces; -1 is the test's own.
using Place = int;
constexpr Place top = -1;

/// own > 0 > 1 > 2, and 0 > 3: three deep, and with neighbours. Each owns a network namespace.
constexpr std::array<Place, 4> parent_of{top, 0, 1, 0};
constexpr Place places = parent_of.size();

bool is_in(Place inner, Place outer) {
  while (inner != outer && inner != top) inner = parent_of[static_cast<std::size_t>(inner)];
  return inner == outer;
}

Place lowest_above_both(Place a, Place b) {
  while (!is_in(b, a)) a = parent_of[static_cast<std::size_t>(a)];
  return a;
}

class Tree {
 public:
  /// For a child: goes there, with every capability. Returns 0 or an errno.
  int enter(Place place) const { return place == top ? 0 : join_at_once(*files_[at(place)]); }
  int join_net_of(Place place) const { return place == top ? 0 : join_net(*files_[at(place)]); }
  int join_user_of(Place place) const { return place == top ? 0 : join_user(*files_[at(place)]); }

  Tree() {
    for (Place place = 0; place < places; ++place) {
      processes_[at(place)].emplace([this, place] {
        const int error = enter(parent_of[at(place)]);
        return error != 0 ? error : unshare_mapped(CLONE_NEWUSER | CLONE_NEWNET);
      });
      files_[at(place)].emplace(*processes_[at(place)]);
    }
  }

 private:
  static std::size_t at(Place place) { return static_cast<std::size_t>(place); }
  std::array<std::optional<ParkedProcess>, parent_of.size()> processes_;
  std::array<std::optional<NamespaceFiles>, parent_of.size()> files_;
};

struct Situation {
  Place user;
  Place owner_of_net;
  Place caller;
  bool privileged;  ///< the caller has every capability where it is, as far as the test has
};
void showValue(const Situation& it, std::ostream& out) {
  out << "user namespace " << it.user << ", network namespace of " << it.owner_of_net
      << ", caller in " << it.caller << (it.privileged ? " with" : " without") << " capabilities";
}

/// Most often of a caller that is outside and has no privilege: there the order matters most.
rc::Gen<Situation> any_situation() {
  return rc::gen::construct<Situation>(
      rc::gen::inRange<Place>(0, places), rc::gen::inRange<Place>(top, places),
      rc::gen::elementOf(std::vector<Place>{top, top, top, 0, 1, 2, 3}),
      rc::gen::element(false, false, false, true));
}

/// A process in the user namespace and the network namespace of a situation.
class Inhabitant : public ParkedProcess {
 public:
  Inhabitant(const Tree& tree, const Situation& it)
      : ParkedProcess([&] {
          const Place common = lowest_above_both(it.user, it.owner_of_net);
          int error = tree.enter(common);
          if (error == 0 && it.owner_of_net != common) error = tree.join_net_of(it.owner_of_net);
          if (error == 0 && it.user != common) error = tree.join_user_of(it.user);
          return error;
        }) {}
};

/// Whether some user namespace of the tree leads to both, by setns itself.
bool by_a_third(const Tree& tree, const NamespaceFiles& files, const std::function<int()>& become) {
  for (Place third = 0; third < places; ++third) {
    const int error = answer_of_child([&] {
      int code = become();
      if (code == 0) code = tree.join_user_of(third);
      if (code == 0) code = join_net(files);
      return code == 0 ? join_user(files) : code;
    });
    if (error == 0) return true;
  }
  return false;
}

bool entered_by(const Ended& ended) { return ended == entered; }

RC_GTEST_PROP(PlanLaw, AutomaticEntersWhereverAnyOrderDoes, ()) {
  BEHAVIOUR("UN05 UN19");
  REQUIRES(userns);
  static const Tree tree;
  const Situation it = *any_situation();
  const Inhabitant target(tree, it);
  const NamespaceFiles files(target);
  const auto become = [&] {
    const int error = tree.enter(it.caller);
    return error != 0 || it.privileged ? error : keep_capabilities(0);
  };

  const Plans by_process = try_plans(UserTarget::pidfd(files.process.get()), become);
  const Plans by_files = try_plans(descriptors_of(files), become);
  const Orders by_kernel = try_orders(files, become);
  RC_LOG() << "by process: " << by_process << "\nby files: " << by_files << '\n' << by_kernel;

  RC_ASSERT(entered_by(by_process.automatic) ==
            (entered_by(by_process.sequential) || entered_by(by_process.one_shot) ||
             entered_by(by_process.owner_aware)));
  RC_ASSERT(entered_by(by_files.automatic) ==
            (entered_by(by_files.sequential) || entered_by(by_files.owner_aware)));
  // Nor is there an order that core does not know, by way of a third user namespace or without. Of
  // one's own user namespace only the net is left.
  const bool by_two = by_kernel.user_then_net == 0 || by_kernel.net_then_user == 0;
  const bool by_net = it.user == it.caller && by_kernel.net == 0;
  RC_ASSERT(entered_by(by_files.automatic) ==
            (by_two || by_net || by_a_third(tree, files, become)));
  RC_ASSERT(by_kernel.at_once == 0 || !by_two);
}

}  // namespace
}  // namespace nsgate::test
