// SPDX-License-Identifier: Apache-2.0
#include "nsgate/join.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "nsgate/netns.h"
#include "nsgate/task.h"

namespace nsgate {
namespace {

/// Whether both are namespace files of the same namespace: true only while both are open.
bool same(int a, int b) {
  struct stat one {};
  struct stat other {};
  return ::fstat(a, &one) == 0 && ::fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

/// The caller's user namespace; empty where the kernel does not tell.
Fd own_userns() {
  const auto self = detail::Task::find({.process = ::getpid(), .thread = ::gettid()});
  auto file = self ? self->open_namespace(CLONE_NEWUSER) : Result<Fd>(Fd());
  return file ? std::move(*file) : Fd();
}

}  // namespace

std::string_view to_string(Plan plan) {
  constexpr std::array<std::string_view, 4> words{"automatic", "sequential", "one-shot",
                                                  "owner-aware"};
  return words[static_cast<std::size_t>(plan)];
}

Result<UserNetns> UserNetns::open(const UserTarget& target, Plan plan) {
  UserNetns both;
  both.shown_ = target.to_string();
  auto found = std::visit([&](const auto& name) { return both.find(name); }, target.name_);
  if (found) found = both.choose(plan);
  if (!found) return std::unexpected(found.error());
  return both;
}

Result<void> UserNetns::find(const detail::TaskName& name) {
  auto task = detail::Task::find(name);
  if (!task) return std::unexpected(task.error());
  auto user = task->open_namespace(CLONE_NEWUSER);
  if (!user) return std::unexpected(user.error());
  auto net = task->open_namespace(CLONE_NEWNET);
  if (!net) return std::unexpected(net.error());
  owned_user_ = std::move(*user);
  owned_net_ = std::move(*net);
  process_ = task->pidfd();
  pidfd_ = task->take_pidfd();
  user_ = owned_user_ ? owned_user_.get() : process_;
  net_ = owned_net_ ? owned_net_.get() : process_;
  return {};
}

Result<void> UserNetns::find(const UserTarget::Descriptors& fds) {
  const auto check = [](int fd, int type) {
    return detail::check_namespace(fd, type, Target::descriptor(fd).to_string());
  };
  auto kind = check(fds.user, CLONE_NEWUSER);
  if (kind) kind = check(fds.net, CLONE_NEWNET);
  user_ = fds.user;
  net_ = fds.net;
  return kind;
}

Result<void> UserNetns::find(const Target& target) {
  auto net = Netns::open(target);
  if (!net) return std::unexpected(net.error());
  owned_net_ = std::move(net->owned_);
  net_ = net->fd_;
  owned_user_ = Fd(::ioctl(net_, NS_GET_USERNS));
  user_ = owned_user_.get();
  if (owned_user_) return {};
  Error error{Stage::open, errno, shown_};
  if (error.code == ENOTTY) {
    error.code = EOPNOTSUPP;
    error.note = "its owner is known by a namespace file only";
  } else if (error.code == EPERM && ::ioctl(net_, NS_GET_NSTYPE) == CLONE_NEWNET) {
    // This needs no right, so that a seccomp filter would have refused it, too.
    error.note = "the owner is not in your user namespace or below it";
  }
  return std::unexpected(std::move(error));
}

Result<void> UserNetns::choose(Plan plan) {
  plan_ = plan;
  why_ = "asked for";
  if (plan == Plan::sequential) {
    then(user_, CLONE_NEWUSER);
    then(net_, CLONE_NEWNET);
    return {};
  }
  if (plan == Plan::automatic || plan == Plan::owner_aware) {
    own_ = own_userns();
    joins_user_ = !(own_ && same(own_.get(), user_));
  }
  if (!joins_user_) {
    plan_ = Plan::owner_aware;
    why_ = "the user namespace is your own already";
    then(net_, CLONE_NEWNET);
    return {};
  }
  if (plan == Plan::automatic && process_ >= 0) {
    plan_ = Plan::one_shot;
    why_ = "one setns joins both or neither, and is never refused where another order is not";
  }
  if (plan_ == Plan::one_shot ? process_ < 0 : net_ == process_) {
    return std::unexpected(Error{Stage::open, EOPNOTSUPP, shown_, 0,
                                 process_ < 0 ? "one shot needs a process and pidfd_open(2)"
                                              : "its owner is known by a namespace file only"});
  }
  if (plan_ == Plan::one_shot) {
    then(process_, CLONE_NEWUSER | CLONE_NEWNET);
  } else {
    plan_ = Plan::owner_aware;
    by_owner();
  }
  return {};
}

void UserNetns::by_owner() {
  owner_ = Fd(::ioctl(net_, NS_GET_USERNS));
  if (own_ && owner_ && same(owner_.get(), own_.get())) {
    why_ = "your own user namespace owns the network namespace";
    then(net_, CLONE_NEWNET);
    then(user_, CLONE_NEWUSER);
    return;
  }
  if (!owner_) {
    why_ = "the owner of the network namespace is out of your reach";
  } else if (same(owner_.get(), user_)) {
    why_ = "the user namespace owns the network namespace";
  } else {
    why_ = "a third user namespace owns the network namespace";
    then(owner_.get(), CLONE_NEWUSER);
    then(net_, CLONE_NEWNET);
    then(user_, CLONE_NEWUSER);
    return;
  }
  then(user_, CLONE_NEWUSER);
  then(net_, CLONE_NEWNET);
}

void UserNetns::then(int fd, int types) {
  const Stage stage = types == CLONE_NEWUSER  ? Stage::setns_user
                      : types == CLONE_NEWNET ? Stage::setns_net
                                              : Stage::setns_both;
  steps_[count_++] = {fd, types, stage};
}

}  // namespace nsgate
