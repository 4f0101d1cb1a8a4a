// SPDX-License-Identifier: Apache-2.0
#include "nsgate/join.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "nsgate/netns.h"
#include "nsgate/task.h"

namespace nsgate {
namespace {

/// A namespace by device and inode, which are its own while it is open or somebody is in it.
using Identity = std::optional<std::pair<dev_t, ino_t>>;

Identity identity_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return std::nullopt;
  return std::pair(status.st_dev, status.st_ino);
}

/// Of memory or descriptors. To go on without what was not told would end in an error of another
/// stage.
bool is_want(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

bool same(int a, int b) { return identity_of(a) && identity_of(a) == identity_of(b); }

/// A namespace that another one tells of (ioctl_nsfs(2)); empty where the kernel does not.
Result<Fd> related(int fd, unsigned long request, const std::string& shown) {
  Fd found(::ioctl(fd, request));
  if (!found && is_want(errno)) return std::unexpected(Error{Stage::open, errno, shown});
  return found;
}

/// Whether one user namespace is the other or below it, as far as the kernel tells.
Result<bool> is_in(int inner, int outer, const std::string& shown) {
  Fd parent;
  while (inner >= 0 && !same(inner, outer)) {
    auto found = related(inner, NS_GET_PARENT, shown);
    if (!found) return std::unexpected(found.error());
    parent = std::move(*found);
    inner = parent.get();
  }
  return inner >= 0;
}

/// Of the caller's user namespace; nothing where the kernel does not tell.
Result<Identity> own_userns() {
  struct stat status {};
  if (::stat("/proc/thread-self/ns/user", &status) == 0) {
    return std::pair(status.st_dev, status.st_ino);
  }
  auto self = detail::Task::find({.process = ::getpid(), .thread = ::gettid()});
  const auto file =
      self ? self->open_namespace(CLONE_NEWUSER) : Result<Fd>(std::unexpected(self.error()));
  if (file) return identity_of(file->get());
  if (is_want(file.error().code)) return std::unexpected(file.error());
  return std::nullopt;
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
  // Of a pidfd Linux 6.12 says EINVAL unless the argument is 0 (fs/pidfs.c).
  owned_user_ = Fd(::ioctl(net_, NS_GET_USERNS, 0));
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
    const auto own = own_userns();
    if (!own) return std::unexpected(own.error());
    joins_user_ = !*own || *own != identity_of(user_);
  }
  if (!joins_user_) {
    plan_ = Plan::owner_aware;
    why_ = "the user namespace is your own already";
    then(net_, CLONE_NEWNET);
    return {};
  }
  if (plan == Plan::automatic) {
    plan_ = process_ >= 0 ? Plan::one_shot : Plan::owner_aware;
    why_ = "one setns joins both or neither, and is never refused where another order is not";
  }
  const auto unsupported = [&](const char* why) {
    return std::unexpected(Error{Stage::open, EOPNOTSUPP, shown_, 0, why});
  };
  if (plan_ == Plan::one_shot) {
    if (process_ < 0) return unsupported("one shot needs a process and pidfd_open(2)");
    then(process_, CLONE_NEWUSER | CLONE_NEWNET);
    return {};
  }
  if (net_ == process_) return unsupported("its owner is known by a namespace file only");
  return by_owner();
}

Result<void> UserNetns::by_owner() {
  const auto owner = related(net_, NS_GET_USERNS, shown_);
  if (!owner) return std::unexpected(owner.error());
  // The lowest user namespace that both are in, from which each is reached with full capabilities.
  int common = user_;
  while (*owner && common >= 0) {
    const auto inside = is_in(owner->get(), common, shown_);
    if (!inside) return std::unexpected(inside.error());
    if (*inside) break;
    auto parent = related(common, NS_GET_PARENT, shown_);
    if (!parent) return std::unexpected(parent.error());
    common_ = std::move(*parent);
    common = common_.get();
  }
  if (!*owner || common < 0) {
    why_ = "the owner of the network namespace is out of your reach";
  } else if (common == user_) {
    why_ = "the owner of the network namespace is the user namespace, or in it";
  } else {
    const auto parent = related(common, NS_GET_PARENT, shown_);
    if (!parent) return std::unexpected(parent.error());
    // Of what the caller sees, only its own has no parent that it sees (ioctl_nsfs(2), EPERM).
    const bool own = !*parent;
    why_ = own ? "only your own user namespace holds both"
               : "a third user namespace holds both and is joined first";
    if (!own) then(common, CLONE_NEWUSER);
    then(net_, CLONE_NEWNET);
    then(user_, CLONE_NEWUSER);
    return {};
  }
  then(user_, CLONE_NEWUSER);
  then(net_, CLONE_NEWNET);
  return {};
}

void UserNetns::then(int fd, int types) {
  const Stage stage = types == CLONE_NEWUSER  ? Stage::setns_user
                      : types == CLONE_NEWNET ? Stage::setns_net
                                              : Stage::setns_both;
  steps_[count_++] = {fd, types, stage};
}

}  // namespace nsgate
