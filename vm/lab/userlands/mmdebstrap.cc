// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/mmdebstrap.h"

#include <chrono>

#include "lab/base/could_not_start.h"
#include "lab/base/plain_text.h"
#include "lab/base/process.h"

namespace nsgate::lab {
namespace {

constexpr std::chrono::minutes patience{20};

/// Files at /usr alone, and links in their old places: what every suite of Debian is by now, and
/// what the packages of older ones do not do by themselves.
constexpr const char* merge_usr =
    R"(--setup-hook=for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d" && ln -s "usr/$d" "$1/$d" || exit; done)";

std::string list_packages() {
  return R"(for d in "$1"/var/cache/apt/archives/*.deb; do )"
         R"(dpkg-deb --show --showformat='${Package} ${Version}\n' "$d" || exit; done > "$1/)" +
         std::string(package_list_name) + '"';
}

std::string source(const std::filesystem::path& keyring, const std::string& uri,
                   const std::string& suite) {
  return "deb [signed-by=" + keyring.string() + "] " + uri + " " + suite + " main";
}

/// What mmdebstrap and apt say of an error, without what they say besides.
std::string complaints(std::string_view text) {
  std::string found;
  std::string_view last;
  for (const auto line : non_empty_lines(text)) {
    last = line;
    if (line.starts_with("E: ") || line.starts_with("Err:")) found += "\n  " + plain_text(line);
  }
  return found.empty() ? " " + plain_text(last) : found;
}

}  // namespace

std::string mmdebstrap_mode(unsigned uid) { return uid == 0 ? "root" : "unshare"; }

std::vector<std::string> mmdebstrap_command(const std::string& program,
                                            const UserlandRecipe& recipe, const AptMirrors& mirrors,
                                            const std::filesystem::path& keyring,
                                            const std::string& mode,
                                            const std::filesystem::path& tar) {
  std::string packages;
  for (const auto& package : recipe.packages) packages += (packages.empty() ? "" : ",") + package;
  std::vector<std::string> command{
      program, "--mode=" + mode, "--variant=extract", "--architectures=amd64", "--format=tar",
      "--include=" + packages, merge_usr, "--extract-hook=" + list_packages(),
      // A mirror that lags behind may offer older packages; the
      // list of them says which.
      "--aptopt=Acquire::Check-Valid-Until \"false\"", "--aptopt=Acquire::Languages \"none\""};
  for (const auto line : non_empty_lines(mirrors.transport)) {
    command.push_back("--aptopt=" + std::string(line));
  }
  command.insert(command.end(),
                 {recipe.suite, tar.string(), source(keyring, mirrors.main, recipe.suite)});
  if (!recipe.security_suite.empty()) {
    command.push_back(source(keyring, mirrors.security, recipe.security_suite));
  }
  return command;
}

Expected<void> run_mmdebstrap(const std::vector<std::string>& command) {
  // Any time will do, as long as it is the same: the archive holds none.
  const auto made = run({.argv = command,
                         .extra_env = {"SOURCE_DATE_EPOCH=1700000000", "LC_ALL=C.UTF-8"},
                         .stderr_file = {},
                         .working_directory = {}},
                        patience);
  if (!made) {
    return could_not_start(made.error().message +
                           "; userlands are built with mmdebstrap: install it, or name a directory "
                           "or tar of your own by its path");
  }
  if (!made->ok()) {
    return could_not_start("mmdebstrap (" + command.at(1) + ") failed:" + complaints(made->err));
  }
  return {};
}

}  // namespace nsgate::lab
