// SPDX-License-Identifier: Apache-2.0
#include "lab/machine/qemu.h"

#include <cstdlib>

#include "lab/base/could_not_start.h"
#include "lab/base/process.h"

namespace nsgate::lab {
namespace {

/// A comma ends a value of QEMU's options unless it is doubled.
std::string option_value(const std::filesystem::path& path) {
  std::string value;
  for (const char c : path.string()) value += c == ',' ? std::string(",,") : std::string(1, c);
  return value;
}

}  // namespace

Expected<Qemu> find_qemu() {
  const char* const chosen = std::getenv("QEMU");
  const std::string binary = chosen != nullptr && *chosen != '\0' ? chosen : "qemu-system-x86_64";
  const auto remedy = "; install the package qemu-system-x86 or set QEMU to its program";
  const auto asked = run(
      {.argv = {binary, "--version"}, .extra_env = {}, .stderr_file = {}, .working_directory = {}},
      std::chrono::seconds(30));
  if (!asked) return could_not_start(asked.error().message + remedy);
  const auto version = asked->out.substr(0, asked->out.find('\n'));
  if (!asked->ok() || version.empty()) {
    return could_not_start(binary + " --version failed: " + asked->err + remedy);
  }
  return Qemu{binary, version};
}

std::string_view to_string(Accelerator accelerator) {
  return accelerator == Accelerator::kvm ? "kvm" : "tcg";
}

std::vector<std::string> qemu_command(const Qemu& qemu, const Machine& machine) {
  const bool kvm = machine.accelerator == Accelerator::kvm;
  std::string arguments = "console=ttyS0 panic=-1 reboot=t loglevel=7 printk.devkmsg=on";
  // Under TCG the check of the timer can fail on a busy host, for good.
  if (!kvm) arguments += " no_timer_check";
  // Otherwise the addresses in vmlinux are not those of the running kernel.
  if (machine.gdb_port) arguments += " nokaslr";
  if (!machine.kernel_arguments.empty()) arguments += ' ' + machine.kernel_arguments;
  std::vector<std::string> command{
      qemu.binary, "-nodefaults", "-no-user-config", "-display", "none",
      // A guest ends by a restart, after a panic too: panic=-1.
      "-no-reboot", "-machine", "pc", "-accel", kvm ? "kvm" : "tcg,thread=multi,tb-size=256",
      "-cpu", kvm ? "host" : "max", "-m", std::to_string(machine.memory_mib), "-smp", "1",
      "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      "-kernel", machine.kernel.string(), "-initrd",
      // QEMU takes a comma here for the start of a second module's name or of arguments.
      option_value(machine.initrd), "-append", arguments};
  const auto add = [&command](std::vector<std::string> words) {
    command.insert(command.end(), words.begin(), words.end());
  };
  if (machine.frames.empty()) {
    add({"-chardev", "file,id=console,path=" + option_value(machine.console), "-serial",
         "chardev:console", "-chardev", "stdio,id=frames,signal=off", "-serial", "chardev:frames"});
  } else {
    // signal=off: Ctrl-C is for the guest.
    add({"-chardev", "stdio,id=console,mux=on,signal=off,logfile=" + option_value(machine.console),
         "-serial", "chardev:console", "-mon", "chardev=console,mode=readline", "-chardev",
         "file,id=frames,path=" + option_value(machine.frames), "-serial", "chardev:frames"});
  }
  if (machine.gdb_port) {
    add({"-gdb", "tcp:127.0.0.1:" + std::to_string(*machine.gdb_port), "-S"});
  }
  return command;
}

}  // namespace nsgate::lab
