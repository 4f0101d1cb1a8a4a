// SPDX-License-Identifier: Apache-2.0
#include "guest/give_up.h"

#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace nsgate::guest {

void give_up(std::string_view step, int error) {
  if (error == 0) give_up(step);
  std::string reason(step);
  reason.append(": ").append(::strerrorname_np(error)).append(" (");
  give_up(reason.append(::strerror(error)).append(")"));
}

void give_up(std::string_view reason) {
  // The kernel opened /dev/console as descriptors 0 to 2 of init, before anything could fail.
  std::string line("nsgate init gives up: ");
  line.append(reason).append("\n");
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  ::tcdrain(STDERR_FILENO);
  restart();
}

void restart() {
  ::sync();
  ::reboot(RB_AUTOBOOT);
  // A kernel that refuses to restart panics when PID 1 ends, and panic=-1 then restarts it.
  ::_exit(1);
}

}  // namespace nsgate::guest
