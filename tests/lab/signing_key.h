// SPDX-License-Identifier: Apache-2.0
//
// A key that signs for one test, kept by gpg.
#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "must_run.h"
#include "scratch_folder.h"

namespace nsgate::lab {

class SigningKey {
 public:
  SigningKey() {
    must_run({"gpg", "--homedir", home(), "--batch", "--passphrase", "", "--quick-generate-key",
              "nobody@example.org", "ed25519", "sign", "never"});
  }
  SigningKey(const SigningKey&) = delete;
  ~SigningKey() {
    try {
      end_agent();
    } catch (const std::runtime_error&) {
      // Without an agent there is nothing to end.
    }
  }

  void export_to(const std::filesystem::path& keyring) const {
    must_run({"gpg", "--homedir", home(), "--output", keyring, "--export"});
  }
  void clearsign(const std::filesystem::path& text, const std::filesystem::path& output) const {
    must_run(
        {"gpg", "--homedir", home(), "--batch", "--yes", "--output", output, "--clearsign", text});
  }

 private:
  std::string home() const { return folder_.path(); }

  /// gpg leaves an agent behind, which removes its sockets when it ends: waits for that, since the
  /// folder is to be removed at the same time.
  void end_agent() const {
    const auto answer = must_run(
        {"gpg-connect-agent", "--homedir", home(), "--no-autostart", "GETINFO pid", "/bye"});
    if (!answer.starts_with("D ")) return;
    const int pid = std::atoi(answer.c_str() + 2);
    pollfd agent{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), POLLIN, 0};
    must_run({"gpgconf", "--homedir", home(), "--kill", "gpg-agent"});
    if (agent.fd < 0) return;
    ::poll(&agent, 1, -1);
    ::close(agent.fd);
  }

  ScratchFolder folder_;
};

}  // namespace nsgate::lab
