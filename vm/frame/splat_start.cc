// SPDX-License-Identifier: Apache-2.0
#include "frame/splat_start.h"

#include <algorithm>
#include <array>

namespace nsgate::frame {
namespace {

/// As the kernel prints them (lib/bug.c, kernel/panic.c, kernel/watchdog.c,
/// kernel/rcu/tree_stall.h, kernel/hung_task.c, kernel/locking/lockdep.c, lib/ubsan.c, mm/kasan,
/// mm/kfence, mm/kmemleak.c, lib/list_debug.c, lib/ref_tracker.c, net/core/dev.c,
/// arch/x86/kernel/traps.c).
constexpr std::array beginnings = {
    std::string_view("BUG:"),
    std::string_view("BUG "),  // slub: "BUG kmalloc-64 (Not tainted): …"
    std::string_view("WARNING:"),
    std::string_view("INFO: task "),
    std::string_view("INFO: rcu"),
    std::string_view("INFO: trying to register non-static key"),
    std::string_view("Oops"),
    std::string_view("UBSAN:"),
    std::string_view("general protection fault"),
    std::string_view("divide error:"),
    std::string_view("stack segment:"),
    std::string_view("invalid opcode:"),
    std::string_view("double fault:"),
    std::string_view("int3:"),
    std::string_view("Unable to handle kernel"),
    std::string_view("Internal error:"),
    std::string_view("Bad page state in process"),
    std::string_view("kernel BUG at"),
    std::string_view("kernel tried to execute NX-protected page"),
    std::string_view("refcount_t:"),
    std::string_view("ref_tracker:"),
    std::string_view("list_add corruption"),
    std::string_view("list_del corruption"),
    std::string_view("unregister_netdevice: waiting"),
    std::string_view("rcu: INFO:"),
    std::string_view("watchdog: BUG:"),
    std::string_view("watchdog: CPU"),  // "watchdog: CPU0: Watchdog detected hard LOCKUP"
    std::string_view("watchdog: Watchdog detected hard LOCKUP"),
    std::string_view("NMI watchdog: Watchdog detected hard LOCKUP"),
    std::string_view("unreferenced object 0x"),
    std::string_view("possible circular locking"),
    std::string_view("possible recursive locking"),
    std::string_view("inconsistent lock state"),
    std::string_view("suspicious RCU usage"),
};

}  // namespace

bool starts_splat(std::string_view message) {
  return std::ranges::any_of(beginnings,
                             [message](auto beginning) { return message.starts_with(beginning); });
}

}  // namespace nsgate::frame
