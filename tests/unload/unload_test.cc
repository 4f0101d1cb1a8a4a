// SPDX-License-Identifier: Apache-2.0
//
// Closures of a library that is unloaded: once the call is over nothing of core needs it any more.
// A program of its own, since a static one cannot load any.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include "nsgate/in_netns.h"
#include "nsgate/resident.h"
#include "support/either_user.h"
#include "support/namespaces.h"
#include "support/requirements.h"
#include "unload/closures.h"

namespace nsgate::test {
namespace {

class Library {
 public:
  Library() : handle_(::dlopen(NSGATE_CLOSURES, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(::dlerror());
  }
  Library(const Library&) = delete;
  ~Library() { close(); }

  void close() {
    if (handle_ != nullptr) ::dlclose(std::exchange(handle_, nullptr));
  }
  template <typename Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(::dlsym(handle_, name));
  }
  static bool is_loaded() {
    void* const handle = ::dlopen(NSGATE_CLOSURES, RTLD_NOW | RTLD_NOLOAD);
    if (handle != nullptr) ::dlclose(handle);
    return handle != nullptr;
  }

 private:
  void* handle_;
};

constexpr int many = 50;
std::atomic<int> visits = 0;
void count_visit() { ++visits; }

struct Seen {
  int right;
  int still_loaded;
  int visits;
  bool entered_afterwards;
};

/// For a child: loads, enters and unloads again and again.
Seen enter_and_unload(const char* name) {
  const ScratchNetns other;
  Seen seen{};
  visits = 0;
  for (int i = 0; i < many; ++i) {
    Library library;
    seen.right +=
        library.function<Enter>(name)(Target::process(other.pid()), &count_visit) == 42 ? 1 : 0;
    library.close();
    seen.still_loaded += Library::is_loaded() ? 1 : 0;
  }
  seen.visits = visits;
  const auto afterwards = in_netns(Target::process(other.pid()), current_netns);
  seen.entered_afterwards = afterwards && *afterwards == other.id();
  return seen;
}

TEST(Unload, LibraryOfTheClosureGoesWhenTheCallIsOver) {
  REQUIRES(own_netns);

  const auto seen = answer_of_owner([] { return enter_and_unload("nsgate_test_enter"); });

  EXPECT_EQ(seen.right, many);
  EXPECT_EQ(seen.still_loaded, 0);
  EXPECT_EQ(seen.visits, many);
  EXPECT_TRUE(seen.entered_afterwards);
}

// Their destructors have run by then, on the worker.
TEST(Unload, ThreadLocalObjectsOfTheClosureKeepNoLibrary) {
  REQUIRES(own_netns);

  const auto seen =
      answer_of_owner([] { return enter_and_unload("nsgate_test_enter_with_thread_local"); });

  EXPECT_EQ(seen.right, many);
  EXPECT_EQ(seen.still_loaded, 0);
  EXPECT_EQ(seen.visits, 2 * many);
  EXPECT_TRUE(seen.entered_afterwards);
}

TEST(Unload, LibraryGoesAfterItsExceptionIsHandled) {
  REQUIRES(own_netns);

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    Seen answer{};
    visits = 0;
    for (int i = 0; i < many; ++i) {
      Library library;
      try {
        library.function<void(const Target&, Visit)>("nsgate_test_throw")(
            Target::process(other.pid()), &count_visit);
      } catch (const std::exception& exception) {
        answer.right += std::string(exception.what()) == "of the library" ? 1 : 0;
      }
      // What is left of it would be destroyed by code that is not there.
      answer.visits += visits == i + 1 ? 1 : 0;
      library.close();
      answer.still_loaded += Library::is_loaded() ? 1 : 0;
    }
    return answer;
  });

  EXPECT_EQ(seen.right, many);
  EXPECT_EQ(seen.visits, many);
  EXPECT_EQ(seen.still_loaded, 0);
}

// glibc keeps a library while a thread has thread-local objects of it.
TEST(Unload, ResidentKeepsTheLibraryOfItsThreadLocalObjectsToItsEnd) {
  REQUIRES(own_netns);
  struct Kept {
    int result;
    bool while_resident;
    int visits_before, visits_after;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    Kept answer{};
    visits = 0;
    {
      auto resident = Resident::open(Target::process(other.pid()));
      Library library;
      answer.result =
          library.function<int(Resident&, Visit)>("nsgate_test_reside")(*resident, &count_visit);
      library.close();
      answer.while_resident = Library::is_loaded();
      answer.visits_before = visits;
    }
    answer.visits_after = visits;
    return answer;
  });

  EXPECT_EQ(seen.result, 42);
  EXPECT_TRUE(seen.while_resident);
  EXPECT_EQ(seen.visits_before, 1);
  EXPECT_EQ(seen.visits_after, 2);
}

Library* used = nullptr;
void unload_it() { used->close(); }

/// For a death test's statement.
void unload_in_the_closure(const char* name) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(SIGSEGV, SIG_DFL);
  if (unshare_own() != 0) return;
  const ScratchNetns other;
  Library library;
  used = &library;
  library.function<Enter>(name)(Target::process(other.pid()), &unload_it);
}

// A thread isolates no faults: the closure returns to code that is not there.
TEST(Unload, LibraryThatIsUnloadedMeanwhileEndsTheProcess) {
  REQUIRES(own_netns);

  EXPECT_EXIT(unload_in_the_closure("nsgate_test_enter"), ::testing::KilledBySignal(SIGSEGV), "");
}

TEST(Unload, LibraryThatIsUnloadedMeanwhileIsGoodWhereTheCallerKeepsIt) {
  REQUIRES(own_netns);
  struct Kept {
    int result;
    bool after;
  };

  const auto seen = answer_of_owner([] {
    const ScratchNetns other;
    Kept answer{};
    {
      const Library kept;
      Library library;
      used = &library;
      answer.result =
          library.function<Enter>("nsgate_test_enter")(Target::process(other.pid()), &unload_it);
    }
    answer.after = Library::is_loaded();
    return answer;
  });

  EXPECT_EQ(seen.result, 42);
  EXPECT_FALSE(seen.after);
}

}  // namespace
}  // namespace nsgate::test
