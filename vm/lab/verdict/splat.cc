// SPDX-License-Identifier: Apache-2.0
#include "lab/verdict/splat.h"

#include <algorithm>
#include <array>
#include <optional>

#include "frame/splat_start.h"
#include "lab/base/plain_text.h"
#include "lab/verdict/fingerprint.h"

namespace nsgate::lab {
namespace {

constexpr std::string_view restart = "reboot: Restarting system";
constexpr std::string_view init_gives_up = "nsgate init gives up: ";
constexpr std::size_t max_text = 4096;

/// What the kernel says before "Oops: 0002 [#1]" (show_fault_oops in arch/x86/mm/fault.c, do_trap).
constexpr std::array oops_begins = {std::string_view("BUG:"),
                                    std::string_view("kernel BUG at"),
                                    std::string_view("Oops"),
                                    std::string_view("kernel tried to execute"),
                                    std::string_view("Unable to handle kernel"),
                                    std::string_view("Internal error:")};

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

/// Collects splats from messages, one at a time.
class Collector {
 public:
  void take(std::string_view message) {
    // A stamp without a message names nothing.
    if (message.empty()) return;
    if (message.starts_with(frame::start_mark)) {
      begin_test(plain_text(message.substr(frame::start_mark.size())));
    } else if (message.starts_with(frame::end_mark)) {
      close();
      late_ = true;
    } else if (message == frame::cut_here) {
      close();
      cut_ = true;
    } else if (cut_ || (frame::starts_splat(message) && !continues(message))) {
      open(message);
    } else if (current_) {
      add(message);
    }
  }

  std::vector<Splat> finish() {
    close();
    return std::move(splats_);
  }

 private:
  /// An oops names itself several times: "BUG: …", then "Oops: …" on the way. After any other splat
  /// it is one of its own, even "Oops: general protection fault" (from 6.10 on), or a warning that
  /// is allowed would hide it.
  bool continues(std::string_view message) const {
    const bool oops = message.starts_with("Oops") || message.starts_with("invalid opcode:");
    return oops && current_ && std::ranges::any_of(oops_begins, [this](auto begin) {
             return current_->title.starts_with(begin);
           });
  }

  void begin_test(std::string test) {
    close();
    test_ = std::move(test);
    late_ = false;
  }

  void open(std::string_view message) {
    close(/*keep_cut=*/false);
    cut_ = false;
    current_ = Splat{.title = plain_text(message),
                     .fingerprint = {},
                     .test = test_,
                     .late = late_ && !test_.empty(),
                     .text = plain_text(message)};
  }

  void add(std::string_view message) {
    if (current_->text.size() < max_text) current_->text += '\n' + plain_text(message);
    if (message.starts_with("---[ end trace")) close();
  }

  void close(bool keep_cut = true) {
    // Whatever should have followed "cut here" never came.
    if (keep_cut && cut_) open(frame::cut_here);
    if (!current_) return;
    auto splat = std::move(*current_);
    current_.reset();
    const bool known = std::ranges::any_of(splats_, [&splat](const Splat& other) {
      return other.title == splat.title && other.test == splat.test;
    });
    if (known) return;
    splat.fingerprint = fingerprint_of(splat.text);
    splats_.push_back(std::move(splat));
  }

  std::vector<Splat> splats_;
  std::optional<Splat> current_;
  std::string test_;
  bool late_ = false;
  bool cut_ = false;
};

}  // namespace

KernelLog read_kernel_log(std::string_view console) {
  KernelLog log;
  Collector collector;
  for (const auto line : non_empty_lines(console)) {
    const auto message = message_of(line);
    if (message.starts_with(frame::panic_start) && log.panic.empty()) {
      log.panic = plain_text(message);
    }
    collector.take(message);
    log.to_the_end =
        log.to_the_end || message.starts_with(restart) || message.starts_with(frame::last_mark);
    // After init gave up, the kernel only says that it restarts.
    if (!log.last_words.contains(init_gives_up)) log.last_words = plain_text(line);
  }
  log.splats = collector.finish();
  return log;
}

}  // namespace nsgate::lab
