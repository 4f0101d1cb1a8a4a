// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C and a polite kill: work in progress is stopped, what is there is kept and marked.
//
//   catch_interrupts();              // once, in main, before there are threads
//   pollfd{interrupt_fd(), POLLIN}   // readable from the first SIGINT, SIGTERM or SIGHUP on
//
// The second such signal ends the program at once, as it does by default. Thread-safe.
#pragma once

namespace nsgate::lab {

void catch_interrupts();

/// Readable once interrupted; never read from it. -1, which poll(2) ignores, when nothing catches.
int interrupt_fd();

bool interrupted();

/// As if the first such signal had come; a signal that comes after it is still the first.
void interrupt();

}  // namespace nsgate::lab
