// SPDX-License-Identifier: Apache-2.0
#include "unload/closures.h"

#include <exception>

#include "nsgate/in_netns.h"

namespace nsgate::test {
namespace {

class OfTheLibrary : public std::exception {
 public:
  explicit OfTheLibrary(Visit visit) : visit_(visit) {}
  ~OfTheLibrary() override { visit_(); }
  const char* what() const noexcept override { return "of the library"; }

 private:
  Visit visit_;
};

struct Farewell {
  Visit visit = nullptr;
  ~Farewell() {
    if (visit != nullptr) visit();
  }
};
thread_local Farewell farewell;

int stay(Visit visit) {
  farewell.visit = visit;
  visit();
  return 42;
}

}  // namespace

extern "C" {

int nsgate_test_enter(const Target& target, Visit visit) {
  const auto result = in_netns(target, [visit] {
    visit();
    return 42;
  });
  return result.value_or(-1);
}

int nsgate_test_enter_with_thread_local(const Target& target, Visit visit) {
  return in_netns(target, [visit] { return stay(visit); }).value_or(-1);
}

void nsgate_test_throw(const Target& target, Visit visit) {
  (void)in_netns(target, [visit] { throw OfTheLibrary(visit); });
}

int nsgate_test_reside(Resident& resident, Visit visit) {
  return resident.run([visit] { return stay(visit); }).value_or(-1);
}

}  // extern "C"
}  // namespace nsgate::test
