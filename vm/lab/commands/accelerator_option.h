// SPDX-License-Identifier: Apache-2.0
//
// The option --accel of every command that boots guests, and its default $NSGATE_ACCEL.
#pragma once

#include <CLI/CLI.hpp>

#include "lab/machine/accelerator.h"

namespace nsgate::lab {

/// `choice` has to outlive the app's parse().
inline void add_accelerator_option(CLI::App& app, AcceleratorChoice& choice) {
  app.add_option_function<std::string>(
         "--accel",
         [&choice](const std::string& text) { choice = *parse_accelerator_choice(text); },
         "auto, kvm or tcg; default: $NSGATE_ACCEL, else auto, which tries kvm and falls back")
      ->check(CLI::IsMember({"auto", "kvm", "tcg"}))
      ->envname("NSGATE_ACCEL");
}

}  // namespace nsgate::lab
