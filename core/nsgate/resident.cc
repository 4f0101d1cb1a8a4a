// SPDX-License-Identifier: Apache-2.0
#include "nsgate/resident.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>

#include "nsgate/cancellation.h"
#include "nsgate/fd.h"
#include "nsgate/filter.h"
#include "nsgate/netns.h"

namespace nsgate {
namespace {

/// What a wake-up of a sleeping thread costs, in looks at a variable.
constexpr int looks = 2000;

/// With one processor the other thread cannot do what is waited for while this one spins.
int looks_that_pay() {
  cpu_set_t processors;
  return ::sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) == 1
             ? 0
             : looks;
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

template <typename Ready>
bool spin_until(int times, Ready ready) {
  for (int i = 0; i < times; ++i) {
    if (ready()) return true;
    relax();
  }
  return false;
}

/// Held by the worker over a call: whoever waits for it also learns of the worker's death, however
/// it died (EOWNERDEAD, pthread_mutexattr_setrobust(3)).
class RobustMutex {
 public:
  RobustMutex() {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutex_init(&mutex_, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
  }
  RobustMutex(const RobustMutex&) = delete;
  ~RobustMutex() { ::pthread_mutex_destroy(&mutex_); }

  /// False: its holder died. Held all the same.
  bool lock() { return ::pthread_mutex_lock(&mutex_) == 0; }
  /// REQUIRES: nobody holds it.
  void lock_free() { ::pthread_mutex_trylock(&mutex_); }
  void unlock() { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

/// The life of one thread inside. Calls are numbered from 1; the worker holds the mutex of the call
/// that it is to do next, and lets go of it when the call is done, after it has taken the next
/// one's.
class Worker {
 public:
  /// The errno of pthread_create(3). The worker serves `owner`, and knows it.
  static std::expected<std::unique_ptr<Worker>, int> start(int netns, const void* owner) {
    std::unique_ptr<Worker> worker(new Worker(netns, owner));
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = ::pthread_create(&worker->thread_, nullptr, &Worker::main, worker.get());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error != 0) return std::unexpected(error);
    worker->ready_.wait(false);
    return worker;
  }
  Worker(const Worker&) = delete;
  ~Worker() {
    if (joined_ || !ready_) return;
    ask(nullptr);
    ::pthread_join(thread_, nullptr);
  }

  /// Whether the calling thread is a worker of this owner.
  static bool serves(const void* owner) { return served_ == owner; }

  struct Call {
    void (*closure)(void*);
    void* context;
    int setns_error = 0;
    std::string note = {};
  };
  /// False: the worker died of it.
  bool run(Call& call) {
    const unsigned number = ask(&call);
    if (spin_until(looks_, [&] { return done_.load(std::memory_order_acquire) == number; })) {
      return true;
    }
    RobustMutex& turn = turns_[number % 2];
    const bool alive = turn.lock();
    // Of a dead holder, too: it would stay in the list of this thread's robust mutexes, which the C
    // library and the kernel walk, when its memory is long another's.
    turn.unlock();
    if (!alive) {
      ::pthread_join(thread_, nullptr);
      joined_ = true;
    }
    return alive;
  }

 private:
  Worker(int netns, const void* owner) : netns_(netns), owner_(owner) {}

  unsigned ask(Call* call) {
    call_ = call;
    const unsigned number = asked_.load(std::memory_order_relaxed) + 1;
    // Not memory_order_release: notify_one looks for a sleeper, and a processor could look before
    // its store is seen, when the worker falls asleep for good.
    asked_.store(number);
    asked_.notify_one();
    return number;
  }

  static void* main(void* self) {
    static_cast<Worker*>(self)->serve();
    return nullptr;
  }

  void serve() {
    served_ = owner_;
    turns_[1].lock();
    ready_ = true;
    ready_.notify_one();
    for (unsigned number = 1;; ++number) {
      if (!spin_until(looks_, [&] { return asked_.load(std::memory_order_acquire) == number; })) {
        asked_.wait(number - 1, std::memory_order_acquire);
      }
      if (call_ == nullptr) {
        turns_[number % 2].unlock();
        return;
      }
      if (::setns(netns_, CLONE_NEWNET) == 0) {
        call_->closure(call_->context);
        // It forked and has returned in the child as well, where nobody waits for this thread.
        if (process_ != ::getpid()) return;
      } else {
        call_->setns_error = errno;
        call_->note = detail::filter_note(errno);
      }
      // The caller let go of it before it asked for this call. To wait for it would look like a
      // deadlock, because the two are taken in either order.
      turns_[(number + 1) % 2].lock_free();
      done_.store(number, std::memory_order_release);
      turns_[number % 2].unlock();
    }
  }

  static thread_local const void* served_;

  const int netns_;
  const void* const owner_;
  const int looks_ = looks_that_pay();
  const pid_t process_ = ::getpid();
  pthread_t thread_{};
  bool joined_ = false;
  std::atomic<bool> ready_ = false;
  Call* call_ = nullptr;
  std::atomic<unsigned> asked_ = 0;
  std::atomic<unsigned> done_ = 0;
  std::array<RobustMutex, 2> turns_;
};

thread_local const void* Worker::served_ = nullptr;

}  // namespace

struct Resident::State {
  State(Fd file, std::string shown) : netns(std::move(file)), target(std::move(shown)) {}
  State(const State&) = delete;
  ~State() {
    if (process != ::getpid()) (void)worker.release();
  }

  Fd netns;
  std::string target;
  std::mutex one_at_a_time;
  std::unique_ptr<Worker> worker;
  // A forked child has the memory of the worker and not the worker.
  pid_t process = ::getpid();
};

Result<Resident> Resident::open(const Target& target) {
  const detail::CancellationHeldOff held_off;
  const std::string shown = target.to_string();
  const auto netns = Netns::open(target);
  if (!netns) return std::unexpected(netns.error());
  Fd own(::fcntl(netns->fd(), F_DUPFD_CLOEXEC, 0));
  if (!own) return std::unexpected(Error{Stage::open, errno, shown});
  Resident resident(std::make_unique<State>(std::move(own), shown));
  if (auto entered = resident.call([](void*) {}, nullptr); !entered) {
    return std::unexpected(entered.error());
  }
  return resident;
}

Resident::Resident(std::unique_ptr<State> state) : state_(std::move(state)) {}
Resident::Resident(Resident&&) noexcept = default;
Resident& Resident::operator=(Resident&&) noexcept = default;
Resident::~Resident() = default;

Result<void> Resident::call(void (*closure)(void*), void* context) {
  const detail::CancellationHeldOff held_off;
  if (!state_) return std::unexpected(Error{Stage::open, EBADF, "a Resident that was moved from"});
  if (Worker::serves(state_.get())) {
    closure(context);
    return {};
  }
  if (state_->process != ::getpid()) {
    // Its mutex may be held by a thread that is not here. Not destroyed, for the same reason.
    auto own = std::make_unique<State>(std::move(state_->netns), state_->target);
    (void)state_.release();
    state_ = std::move(own);
  }
  State& state = *state_;
  const std::lock_guard turn(state.one_at_a_time);
  if (!state.worker) {
    auto started = Worker::start(state.netns.get(), &state);
    if (!started) return std::unexpected(Error{Stage::thread, started.error(), state.target});
    state.worker = std::move(*started);
  }
  Worker::Call call{closure, context};
  if (!state.worker->run(call)) {
    state.worker.reset();
    return std::unexpected(Error{Stage::worker, 0, state.target});
  }
  if (call.setns_error == 0) return {};
  state.worker.reset();
  return std::unexpected(
      Error{Stage::setns_net, call.setns_error, state.target, 0, std::move(call.note)});
}

}  // namespace nsgate
