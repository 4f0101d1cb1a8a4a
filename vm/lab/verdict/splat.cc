// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/splat.h"

#include <algorithm>
#include <array>

#include "lab/base/plain_text.h"

namespace nsgate::lab {
namespace {

constexpr std::string_view panic_start = "Kernel panic - not syncing";
constexpr std::string_view restart = "reboot: Restarting system";
constexpr std::string_view init_gives_up = "nsgate init gives up: ";
constexpr std::string_view cut_here = "------------[ cut here ]------------";

/// The kernel's own reports begin so. What only contains such words is none: "traps: a.out[7]
/// general protection fault" is a user's program that crashed.
constexpr std::array splat_starts = {
    std::string_view("BUG:"),
    std::string_view("WARNING:"),
    std::string_view("Oops"),
    std::string_view("general protection fault"),
    std::string_view("kernel BUG at"),
    std::string_view("refcount_t:"),
    std::string_view("unregister_netdevice: waiting"),
    std::string_view("INFO: task "),
    std::string_view("rcu: INFO:"),
    std::string_view("watchdog: BUG:"),
    std::string_view("UBSAN:"),
};

/// "    1.234567", or the "   T12" and "   C0" of CONFIG_PRINTK_CALLER.
bool is_stamp(std::string_view text) {
  const bool time = text.find('.') != text.npos;
  const bool caller = text.find_first_of("TC") != text.npos;
  return time != caller &&
         text.find_first_not_of(time ? " .0123456789" : " TC0123456789") == text.npos;
}

/// The text after printk's stamps. A program may have written to the console without ending its
/// line, so they are looked for anywhere.
std::string_view message_of(std::string_view line) {
  for (auto open = line.find('['); open != line.npos; open = line.find('[', open)) {
    const auto close = line.find(']', open);
    if (close == line.npos) break;
    if (is_stamp(line.substr(open + 1, close - open - 1))) {
      line.remove_prefix(close + 1);
      if (line.starts_with(' ')) line.remove_prefix(1);
      open = 0;
    } else {
      ++open;
    }
  }
  return line;
}

bool starts_splat(std::string_view message) {
  return std::ranges::any_of(splat_starts,
                             [message](auto start) { return message.starts_with(start); });
}

}  // namespace

KernelLog read_kernel_log(std::string_view console) {
  KernelLog log;
  bool cut = false;
  for (const auto line : non_empty_lines(console)) {
    const auto message = message_of(line);
    if (message.starts_with(panic_start)) {
      if (log.panic.empty()) log.panic = plain_text(message);
    } else if (message == cut_here) {
      cut = true;
    } else if (cut || starts_splat(message)) {
      const auto text = plain_text(message);
      if (std::ranges::find(log.splats, text) == log.splats.end()) log.splats.push_back(text);
      cut = false;
    }
    log.to_the_end = log.to_the_end || message.starts_with(restart);
    // After init gave up, the kernel only says that it restarts.
    if (!log.last_words.contains(init_gives_up)) log.last_words = plain_text(line);
  }
  if (cut) log.splats.emplace_back(cut_here);
  return log;
}

}  // namespace nsgate::lab
