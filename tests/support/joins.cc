// SPDX-License-Identifier: Apache-2.0
#include "support/joins.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <system_error>

namespace nsgate::test {
namespace {

int join(const Fd& fd, int kinds) { return ::setns(fd.get(), kinds) == 0 ? 0 : errno; }

}  // namespace

NamespaceFiles::NamespaceFiles(const ParkedProcess& parked)
    : user(parked.open("ns/user")),
      net(parked.open("ns/net")),
      process(static_cast<int>(::syscall(SYS_pidfd_open, parked.pid(), 0))) {
  if (!process) throw std::system_error(errno, std::generic_category(), "pidfd_open");
}

int join_user(const NamespaceFiles& files) { return join(files.user, CLONE_NEWUSER); }
int join_net(const NamespaceFiles& files) { return join(files.net, CLONE_NEWNET); }
int join_at_once(const NamespaceFiles& files) {
  return join(files.process, CLONE_NEWUSER | CLONE_NEWNET);
}

std::ostream& operator<<(std::ostream& out, const Orders& orders) {
  return out << "net " << orders.net << ", user then net " << orders.user_then_net
             << ", net then user " << orders.net_then_user << ", at once " << orders.at_once;
}

Orders try_orders(const NamespaceFiles& files, const std::function<int()>& become) {
  using Step = int (*)(const NamespaceFiles&);
  const auto attempt = [&](std::initializer_list<Step> steps) {
    return answer_of_child([&] {
      int error = become();
      for (const Step step : steps) {
        if (error == 0) error = step(files);
      }
      return error;
    });
  };
  return {.net = attempt({join_net}),
          .user_then_net = attempt({join_user, join_net}),
          .net_then_user = attempt({join_net, join_user}),
          .at_once = attempt({join_at_once})};
}

}  // namespace nsgate::test
