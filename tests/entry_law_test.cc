// SPDX-License-Identifier: Apache-2.0
//
// More laws of entering: what a program dies of, what a failure leaves, and which names are of the
// same namespace. RC_PARAMS replays them, as laws_test.cc says.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <array>
#include <ostream>
#include <set>
#include <vector>

#include "helper/helper.h"
#include "nsgate/exec.h"
#include "nsgate/in_netns.h"
#include "support/arrival.h"
#include "support/behaviours.h"
#include "support/ended.h"
#include "support/exec_ways.h"
#include "support/namespaces.h"
#include "support/process_state.h"
#include "support/system_calls.h"

namespace nsgate::test {
namespace {

// As in laws_test.cc; whichever is first.
[[maybe_unused]] const int fewer_cases = ::setenv("RC_PARAMS", "max_success=20", 0);

/// Whether its default is to end the process (signal(7)).
bool ends_a_process(int signal) {
  static const std::set<int> others{SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP,
                                    SIGTTIN, SIGTTOU, SIGURG,  SIGWINCH};
  // 32 and 33 are the C library's own.
  return !others.contains(signal) && signal != 32 && signal != 33;
}

RC_GTEST_PROP(ExecLaw, EverySignalComesBack, ()) {
  BEHAVIOUR("EX05");
  static const auto ways = exec_ways();
  const int signal = *rc::gen::suchThat(rc::gen::inRange(1, 65), ends_a_process);
  for (const auto& [way, execute] : ways) {
    RC_LOG() << way << '\n';
    RC_ASSERT(how_it_ended(execute({.argv = {helper(), "signal", std::to_string(signal)}})) ==
              (Ended{true, Stage{}, 0, signal}));
  }
}

/// An attempt that cannot succeed.
struct Attempt {
  enum class Way { in_netns, exec_in_netns, exec_in_user_netns } way;
  enum class Fault { no_process, no_path, no_namespace, no_descriptor, no_program, never } fault;
};
void showValue(const Attempt& it, std::ostream& out) {
  out << "way " << static_cast<int>(it.way) << " with fault " << static_cast<int>(it.fault);
}

Target faulty_target(Attempt::Fault fault, const UserScratch& place) {
  switch (fault) {
    case Attempt::Fault::no_process:
      return Target::process(0x3fffffff);
    case Attempt::Fault::no_path:
      return Target::path("/no/such/path");
    case Attempt::Fault::no_namespace:
      return Target::path("/dev/null");
    case Attempt::Fault::no_descriptor:
      return Target::descriptor(1 << 20);
    default:
      return Target::process(place.pid());
  }
}

/// True: it failed.
bool fails(const Attempt& it, const UserScratch& place) {
  const Target target = faulty_target(it.fault, place);
  const bool late = it.fault == Attempt::Fault::no_program || it.fault == Attempt::Fault::never;
  const Command command{
      .argv = {it.fault == Attempt::Fault::never ? helper() : "/no/such/program", "hang"},
      .deadline = std::chrono::milliseconds(it.fault == Attempt::Fault::never ? 1 : 60000)};
  switch (it.way) {
    case Attempt::Way::in_netns:
      // The closure fails where the entry does not.
      return !in_netns(target, []() -> Result<void> {
        return std::unexpected(Error{Stage::worker, ECANCELED});
      });
    case Attempt::Way::exec_in_netns:
      return !exec_in_netns(target, command);
    case Attempt::Way::exec_in_user_netns:
      return !exec_in_user_netns(
          late ? UserTarget::process(place.pid()) : UserTarget::owned(target), command);
  }
  return false;
}

RC_GTEST_PROP(EntryLaw, AnErrorLeavesNoTrace, ()) {
  BEHAVIOUR("EX03 TH08");
  static const UserScratch place;
  using Way = Attempt::Way;
  using Fault = Attempt::Fault;
  const auto attempts = *rc::gen::resize(
      5, rc::gen::container<std::vector<Attempt>>(rc::gen::construct<Attempt>(
             rc::gen::element(Way::in_netns, Way::exec_in_netns, Way::exec_in_user_netns),
             rc::gen::element(Fault::no_process, Fault::no_path, Fault::no_namespace,
                              Fault::no_descriptor, Fault::no_program, Fault::never))));
  const ProcessState before;

  for (const auto& attempt : attempts) RC_ASSERT(fails(attempt, place));
  RC_ASSERT(ProcessState() == before);
}

/// A name of a namespace: of which place, and by what.
struct Name {
  std::size_t place;
  enum class By { process, thread, pidfd, files, owned } by;
};
void showValue(const Name& it, std::ostream& out) {
  out << "place " << it.place << " by " << static_cast<int>(it.by);
}

class Place {
 public:
  UserTarget named(Name::By by) const {
    switch (by) {
      case Name::By::process:
        return UserTarget::process(process_.pid());
      case Name::By::thread:
        return UserTarget::thread(process_.pid(), process_.pid());
      case Name::By::pidfd:
        return UserTarget::pidfd(pidfd_.get());
      case Name::By::files:
        return UserTarget::descriptors({.user = user_.get(), .net = net_.get()});
      case Name::By::owned:
        break;
    }
    return UserTarget::owned(Target::descriptor(net_.get()));
  }

 private:
  UserScratch process_;
  Fd user_ = process_.open("ns/user");
  Fd net_ = process_.open("ns/net");
  Fd pidfd_ = pidfd_open(process_.pid());
};

RC_GTEST_PROP(EntryLaw, TwoNamesLeadToTheSameNamespaceExactlyWhenTheyAreOfTheSame, ()) {
  BEHAVIOUR("TR26");
  static const std::array<Place, 3> places;
  using By = Name::By;
  const auto names = *rc::gen::resize(
      5, rc::gen::container<std::vector<Name>>(rc::gen::construct<Name>(
             rc::gen::inRange<std::size_t>(0, 3),
             rc::gen::element(By::process, By::thread, By::pidfd, By::files, By::owned))));
  std::vector<NamespaceId> ids;
  for (const auto& [place, by] : names) {
    const auto ended = exec_in_user_netns(places[place].named(by), {.argv = {helper(), "netns"}});
    RC_ASSERT(how_it_ended(ended) == exited(0));
    ids.push_back(printed_id(ended));
  }
  for (std::size_t a = 0; a < names.size(); ++a) {
    for (std::size_t b = 0; b < names.size(); ++b) {
      RC_ASSERT((ids[a] == ids[b]) == (names[a].place == names[b].place));
    }
  }
}

}  // namespace
}  // namespace nsgate::test
