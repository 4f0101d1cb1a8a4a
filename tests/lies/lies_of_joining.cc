// SPDX-License-Identifier: Apache-2.0
//
// setns(2) and unshare(2).
#include <linux/prctl.h>
#include <sched.h>
#include <sys/syscall.h>

#include <cerrno>
#include <filesystem>

#include "lies/lies.h"

namespace nsgate::lies {
namespace {

constexpr long both = CLONE_NEWUSER | CLONE_NEWNET;

bool is_namespace(const Call& call, long fd) {
  const std::string link = call.link_of(fd);
  return link.starts_with("net:[") || link.starts_with("user:[");
}

bool has_threads(const Call& call) {
  std::error_code ignored;
  const std::filesystem::directory_iterator tasks("/proc/" + std::to_string(call.task()) + "/task",
                                                  ignored);
  return std::distance(begin(tasks), end(tasks)) > 1;
}

bool is_own_userns(const Call& call) {
  return call.link_of(call.argument(0)) == call.link("ns/user");
}

/// setns fails with this errno in truth and with that one here; 0: it succeeds.
Lie setns_says(std::string name, std::string what, int instead, int truth) {
  return {std::move(name), std::move(what), {SYS_setns}, nullptr, [=](Call& call) {
            if (call.result() == -truth) call.set_result(-instead);
          }};
}

/// A call besides, when setns has succeeded.
Lie setns_also(std::string name, std::string what, long number, std::initializer_list<long> args) {
  const std::vector<long> words(args);
  return {std::move(name), std::move(what), {SYS_setns}, nullptr, [=](Call& call) {
            if (call.result() != 0) return;
            call.follow(number, {words.at(0), words.at(1)});
          }};
}

}  // namespace

std::vector<Lie> lies_of_joining() {
  return {
      {"setns-does-nothing",
       "setns(2) returns 0 and joins nothing",
       {SYS_setns},
       [](Call& call) { call.answer(0); }},
      {"setns-joins-another",
       "setns(2) joins another network namespace than the one it was given",
       {SYS_setns},
       [](Call& call) {
         if (call.argument(1) == CLONE_NEWNET) call.become(SYS_unshare, {CLONE_NEWNET});
       }},
      {"setns-joins-half-the-user",
       "setns(2) of both namespaces joins the user namespace only",
       {SYS_setns},
       [](Call& call) {
         if (call.argument(1) == both) call.set_argument(1, CLONE_NEWUSER);
       }},
      {"setns-joins-half-the-net",
       "setns(2) of both namespaces joins the network namespace only",
       {SYS_setns},
       [](Call& call) {
         if (call.argument(1) == both) call.set_argument(1, CLONE_NEWNET);
       }},
      {"setns-joins-and-refuses",
       "setns(2) joins and says EPERM",
       {SYS_setns},
       nullptr,
       [](Call& call) {
         if (call.result() == 0) call.set_result(-EPERM);
       }},
      {"setns-ignores-the-type",
       "setns(2) joins a namespace of another type than it was asked for",
       {SYS_setns},
       [](Call& call) {
         if (is_namespace(call, call.argument(0))) call.set_argument(1, 0);
       }},
      setns_says("setns-asks-for-no-right", "setns(2) succeeds where it has to say EPERM", 0,
                 EPERM),
      setns_says("setns-says-einval-for-eperm", "setns(2) says EINVAL instead of EPERM", EINVAL,
                 EPERM),
      setns_says("setns-says-eperm-for-einval", "setns(2) says EPERM instead of EINVAL", EPERM,
                 EINVAL),
      setns_says("setns-takes-the-dead", "setns(2) succeeds with the pidfd of a dead process", 0,
                 ESRCH),
      setns_says("setns-says-eperm-of-the-dead", "setns(2) says EPERM of a dead process", EPERM,
                 ESRCH),
      setns_says("setns-says-einval-for-ebadf", "setns(2) says EINVAL of a closed descriptor",
                 EINVAL, EBADF),
      {"setns-lets-threads-join-a-userns",
       "setns(2) lets a process with threads into a user namespace",
       {SYS_setns},
       nullptr,
       [](Call& call) {
         const bool user = (call.argument(1) & CLONE_NEWUSER) != 0;
         if (call.result() == -EINVAL && user && has_threads(call)) call.set_result(0);
       }},
      {"setns-joins-the-own-userns",
       "setns(2) lets a process join the user namespace that it is in",
       {SYS_setns},
       nullptr,
       [](Call& call) {
         if (call.result() == -EINVAL && is_own_userns(call)) call.set_result(0);
       }},
      {"setns-closes-its-descriptor",
       "setns(2) closes the descriptor",
       {SYS_setns},
       nullptr,
       [](Call& call) {
         if (call.result() == 0) call.follow(SYS_close, {call.argument(0)});
       }},
      setns_also("setns-clears-dumpable", "setns(2) clears the dumpable attribute, always",
                 SYS_prctl, {PR_SET_DUMPABLE, 0}),
      setns_also("setns-changes-the-umask", "setns(2) changes the umask", SYS_umask, {0777, 0}),
      {"unshare-makes-no-netns",
       "unshare(2) returns 0 and makes no network namespace",
       {SYS_unshare},
       [](Call& call) { call.set_argument(0, call.argument(0) & ~long{CLONE_NEWNET}); }},
  };
}

std::vector<Lie> all_lies() {
  std::vector<Lie> all;
  for (auto* group : {lies_of_joining, lies_of_descriptors, lies_of_identity, lies_of_processes}) {
    for (auto& lie : group()) all.push_back(std::move(lie));
  }
  return all;
}

}  // namespace nsgate::lies
