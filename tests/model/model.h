// SPDX-License-Identifier: Apache-2.0
//
// What the kernel will say to a step, and who is where afterwards. Pure: no system calls, and the
// same for the same facts and steps.
//
//   Model model(facts);
//   for (const Operation& operation : operations) {
//     const Step step = model.resolve(operation);
//     const Outcome expected = model.apply(step);
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/kernels.h"
#include "model/operation.h"
#include "model/rules.h"
#include "nsgate/error.h"

namespace nsgate::model {

/// What the test itself is, and where.
struct Facts {
  Version kernel;
  std::uint32_t uid = 0;
  std::uint32_t other_uid = 1000;
  bool privileged = false;     ///< has every capability in its user namespace, and no less
  bool suid_dumpable = false;  ///< fs.suid_dumpable is 1
  bool initial = true;         ///< it is in the initial user namespace
  bool owns_its_net = true;    ///< its network namespace is of its user namespace, not of one above
};

/// Those that a rule is about, or that the kernel compares with them.
using Caps = std::uint8_t;
enum Cap : Caps {
  sys_admin = 1,
  sys_ptrace = 2,
  net_admin = 4,
  setfcap = 8,
  set_ids = 16,
  dac = 32,
  rest = 64
};
inline constexpr Caps all_caps = 127;

/// Places in Model's lists, which are the test's own at 0.
using User = int;
using Net = int;
/// Above the test's own: one that none of its processes is in, or can be.
inline constexpr User outside = -1;

struct UserNamespace {
  User parent;
  std::uint32_t owner;
  int depth;
  bool mapped;
  bool maker_had_setfcap;
};

struct Thread {
  bool alive;
  bool ended_dumpable;  ///< when it is not alive
  std::uint32_t uid;
  Caps permitted;
  Caps effective;
  User user;
  Net net;
};

struct Descriptor {
  enum class Type : std::uint8_t { none, net, user, pidfd, socket, path, directory };
  Type type = Type::none;
  int of = 0;  ///< a Net, a User, or a process
};

struct Process {
  std::vector<Thread> threads;  ///< the first leads
  bool dumpable;
  bool reaped;
  std::array<Descriptor, max_slots> slots;

  bool alive() const;
  bool has_threads() const;  ///< others than the first one alive, or the first one gone before them
};

struct Outcome {
  int error = 0;
  std::optional<Stage> stage{};  ///< of a failure of core
  std::optional<Net> entered{};  ///< where core's closure or program was
  std::optional<Net> cookie_of{};
  std::optional<Descriptor> made{};  ///< in Step::made
  bool done = true;                  ///< false: there was no room for it, and nothing is to be done
};

class Model {
 public:
  explicit Model(const Facts& facts, std::optional<Rule> without = std::nullopt);

  Step resolve(const Operation& operation) const;
  Outcome apply(const Step& step);

  const std::vector<Process>& processes() const { return processes_; }
  /// How often each rule had a say.
  const std::array<int, rules>& said() const { return said_; }

 private:
  enum class Access : std::uint8_t { file, real, attach };

  bool says(Rule rule, bool condition);
  bool capable(const Thread& who, User where, Caps caps);
  bool may_access(const Step& by, int process, const Thread& target, Access mode);
  bool sees(const Thread& who, User user);
  bool has_room(const Step& step) const;

  Thread& actor(const Step& step);
  Descriptor& slot(const Step& step);
  Outcome make(const Step& step, Descriptor made);
  int unusable(const Descriptor& descriptor);

  void start(Process process);
  Outcome unshare(const Step& step);
  Outcome open(const Step& step);
  Outcome open_pidfd(const Step& step);
  int pidfd_ioctl(const Step& step, const Descriptor& of);
  Outcome relate(const Step& step);
  int install_user(const Step& step, User user);
  int install_net(const Thread& who, User user, Net net);
  void commit_user(const Step& step, User user);
  int find_by_pidfd(const Step& step, int place);
  Outcome setns(const Step& step);
  Outcome take(const Step& step);
  Outcome become(const Step& step);
  std::optional<std::uint32_t> owner_of_files(const Process& process, const Thread& thread) const;
  bool reads(const Thread& who, std::optional<std::uint32_t> owner) const;
  int core_open(const Step& step, int process, bool user);
  Outcome core_enter(const Step& step);
  Outcome core_exec(const Step& step);

  Facts facts_;
  std::optional<Rule> without_;
  std::array<int, rules> said_{};
  std::vector<UserNamespace> users_;
  std::vector<User> owners_;  ///< of network namespaces
  std::vector<Process> processes_;
};

}  // namespace nsgate::model
