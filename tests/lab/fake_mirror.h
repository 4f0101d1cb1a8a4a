// SPDX-License-Identifier: Apache-2.0
//
// A signed Debian archive in a folder, which NSGATE_MIRROR names as long as it lives.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "lab/base/sha256.h"
#include "must_run.h"
#include "scratch_folder.h"
#include "signing_key.h"
#include "value_of.h"

namespace nsgate::lab {

/// Needs dpkg-deb and gpg. What fails throws, and so fails the test.
class FakeMirror {
 public:
  using Files = std::initializer_list<std::pair<std::string, std::string>>;

  FakeMirror() {
    key_.export_to(keyring());
    ::setenv("NSGATE_MIRROR", ("file:" + root_.path().string()).c_str(), 1);
  }
  FakeMirror(const FakeMirror&) = delete;
  ~FakeMirror() { ::unsetenv("NSGATE_MIRROR"); }

  std::filesystem::path keyring() const { return root_.path() / "keyring.gpg"; }
  std::filesystem::path deb(const std::string& package, const std::string& version) const {
    return root_.path() / (package + "_" + version + ".deb");
  }

  /// Visible after publish().
  void add(const std::string& package, const std::string& version, const std::string& depends,
           Files files) {
    const ScratchFolder tree;
    std::string control = "Package: " + package + "\nVersion: " + version +
                          "\nArchitecture: amd64\nMaintainer: nobody\nDescription: none\n";
    if (!depends.empty()) control += "Depends: " + depends + "\n";
    tree.write("DEBIAN/control", control);
    for (const auto& [name, text] : files) tree.write(name, text);
    std::filesystem::permissions(tree.path(), std::filesystem::perms(0755));
    const auto file = deb(package, version);
    must_run({"dpkg-deb", "--build", "--root-owner-group", tree.path(), file});
    index_ += control + "Filename: " + file.filename().string() +
              "\nSize: " + std::to_string(std::filesystem::file_size(file)) +
              "\nSHA256: " + value_of(sha256_of(file)) + "\n\n";
  }

  /// Of suite "tame". Its index has expired, as that of a mirror which lags behind has.
  void publish() const {
    const std::string packages = "main/binary-amd64/Packages";
    const auto index = root_.write("dists/tame/" + packages, index_);
    const auto release =
        root_.write("Release",
                    "Suite: tame\nCodename: tame\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
                    "Valid-Until: Fri, 02 Jan 2026 00:00:00 UTC\n"
                    "Architectures: amd64\nComponents: main\nSHA256:\n " +
                        value_of(sha256_of(index)) + " " + std::to_string(index_.size()) + " " +
                        packages + "\n");
    key_.clearsign(release, root_.path() / "dists/tame/InRelease");
  }

  /// As after a point release: what was there is there no more.
  void forget_packages() { index_.clear(); }

 private:
  ScratchFolder root_;
  SigningKey key_;
  std::string index_;
};

}  // namespace nsgate::lab
