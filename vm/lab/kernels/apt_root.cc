// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/apt_root.h"

#include <array>
#include <charconv>
#include <ranges>
#include <string_view>
#include <system_error>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/base/write_file.h"

namespace nsgate::lab {
namespace fs = std::filesystem;
namespace {

// Without these apt complains or creates them elsewhere. It reads etc/apt/apt.conf.d although the
// configuration lies outside of it, and ours stays empty.
constexpr std::array folders{"etc/apt/apt.conf.d",
                             "etc/apt/preferences.d",
                             "etc/apt/sources.list.d",
                             "etc/apt/trusted.gpg.d",
                             "var/lib/apt/lists/partial",
                             "var/cache/apt/archives/partial",
                             "download"};

std::string configuration(const fs::path& folder, const std::string& transport) {
  // Dir is where apt looks for its state, its cache and all its configuration; only the list of
  // installed packages is named by a full path by default. As root, apt would fetch as user _apt,
  // who may not enter a cache in root's home. Error-Mode any: by default an update that could
  // fetch nothing is a success with warnings. Check-Valid-Until false: a mirror that lags behind
  // may offer an older kernel, but it is the lock's hash that vouches for a pinned one, and the
  // table names the version of any other.
  return "Dir \"" + folder.string() + "/\";\n" +                             //
         "Dir::State::status \"" + (folder / "status").string() + "\";\n" +  //
         "APT::Architecture \"amd64\";\n"
         "APT::Architectures { \"amd64\"; };\n"
         "APT::Sandbox::User \"root\";\n"
         "APT::Update::Error-Mode \"any\";\n"
         "Acquire::Check-Valid-Until \"false\";\n"
         "Acquire::Languages \"none\";\n" +
         transport;
}

std::string sources_list(const std::vector<AptSource>& sources, const fs::path& keyring) {
  std::string text;
  for (const auto& source : sources) {
    text +=
        "deb [signed-by=" + keyring.string() + "] " + source.uri + " " + source.suite + " main\n";
  }
  return text;
}

/// The value of "Name: value" in the first paragraph of apt-cache show.
std::string field(std::string_view stanza, std::string_view name) {
  for (const auto line : stanza | std::views::split('\n')) {
    const std::string_view text(line.begin(), line.end());
    if (text.empty()) break;
    if (text.starts_with(name) && text.substr(name.size()).starts_with(": ")) {
      return std::string(text.substr(name.size() + 2));
    }
  }
  return {};
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view blank = " \n";
  const auto begin = text.find_first_not_of(blank);
  if (begin == text.npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(blank) - begin + 1));
}

/// apt-cache madison answers "package | version | URI suite/component architecture Packages".
std::string suite_in_madison(std::string_view answer, std::string_view version) {
  for (const auto line : answer | std::views::split('\n')) {
    const std::string_view text(line.begin(), line.end());
    const auto first = text.find('|');
    const auto second = text.find('|', first + 1);
    if (first == text.npos || second == text.npos) continue;
    if (trimmed(text.substr(first + 1, second - first - 1)) != version) continue;
    const auto place = trimmed(text.substr(second + 1));
    const auto suite = place.substr(place.find(' ') + 1);
    return suite.substr(0, suite.find('/'));
  }
  return {};
}

}  // namespace

Expected<AptRoot> AptRoot::create(const fs::path& folder, const std::vector<AptSource>& sources,
                                  const fs::path& keyring, const std::string& transport) {
  std::error_code error;
  if (!fs::is_regular_file(keyring, error)) {
    return could_not_start("no keyring at " + keyring.string() +
                           ": install debian-archive-keyring");
  }
  AptRoot root(fs::absolute(folder));
  fs::remove_all(root.folder_, error);
  for (const auto* name : folders) {
    if (!error) fs::create_directories(root.folder_ / name, error);
  }
  if (error) {
    return could_not_start("cannot create " + root.folder_.string() + ": " + error.message());
  }
  const std::array files{
      std::pair{root.folder_ / "status", std::string()},
      std::pair{root.folder_ / "apt.conf", configuration(root.folder_, transport)},
      std::pair{root.folder_ / "etc/apt/sources.list", sources_list(sources, keyring)}};
  for (const auto& [file, text] : files) {
    if (const auto written = write_file(file, text); !written) {
      return std::unexpected(written.error());
    }
  }
  return root;
}

AptRoot::AptRoot(AptRoot&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}

AptRoot::~AptRoot() {
  std::error_code ignored;  // the next create() empties the folder anyway
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Expected<std::string> AptRoot::apt(std::vector<std::string> argv,
                                   const fs::path& working_directory) const {
  const std::string command = argv[0] + " " + argv[1];
  const auto answer =
      run({.argv = std::move(argv),
           .extra_env = {"APT_CONFIG=" + (folder_ / "apt.conf").string(), "LC_ALL=C.UTF-8"},
           .stderr_file = {},
           .working_directory = working_directory});
  if (!answer) return std::unexpected(answer.error());
  if (!answer->ok()) return could_not_start(command + " failed: " + trimmed(answer->err));
  return answer->out;
}

Expected<void> AptRoot::update() const {
  if (auto answer = apt({"apt-get", "update", "--quiet=2"}); !answer) {
    return std::unexpected(std::move(answer.error()));
  }
  return {};
}

Expected<AptPackage> AptRoot::show(const std::string& what) const {
  const auto stanza = apt({"apt-cache", "show", "--no-all-versions", what});
  if (!stanza) return std::unexpected(stanza.error());
  AptPackage found{.package = field(*stanza, "Package"),
                   .version = field(*stanza, "Version"),
                   .architecture = field(*stanza, "Architecture"),
                   .suite = {},
                   .depends = field(*stanza, "Depends"),
                   .size = 0,
                   .sha256 = field(*stanza, "SHA256")};
  const auto size = field(*stanza, "Size");
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), found.size);
  if (error != std::errc() || end != size.data() + size.size() || found.version.empty()) {
    return could_not_start("the mirror's index describes " + what +
                           " in a way not understood: " + *stanza);
  }
  const auto places = apt({"apt-cache", "madison", found.package});
  if (!places) return std::unexpected(places.error());
  found.suite = suite_in_madison(*places, found.version);
  return found;
}

Expected<AptPackage> AptRoot::newest(const std::string& package) const { return show(package); }

Expected<std::optional<AptPackage>> AptRoot::find(const std::string& package,
                                                  const std::string& version) const {
  // apt-cache show fails in the same way for a version that is gone and for a broken index, while
  // madison lists what there is, even if that is nothing.
  const auto places = apt({"apt-cache", "madison", package});
  if (!places) return std::unexpected(places.error());
  if (suite_in_madison(*places, version).empty()) return std::nullopt;
  auto found = show(package + "=" + version);
  if (!found) return std::unexpected(std::move(found.error()));
  return std::move(*found);
}

Expected<fs::path> AptRoot::download(const std::string& package, const std::string& version) const {
  const auto folder = folder_ / "download" / package;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return could_not_start("cannot create " + folder.string() + ": " + error.message());
  const auto answer = apt({"apt-get", "download", "--quiet=2", package + "=" + version}, folder);
  if (!answer) return std::unexpected(answer.error());
  // apt chooses the name, with escapes of its own, so the file is found rather than guessed.
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".deb") return entry.path();
  }
  return could_not_start("apt-get download left no " + package + " in " + folder.string());
}

}  // namespace nsgate::lab
