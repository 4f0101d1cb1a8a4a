// SPDX-License-Identifier: Apache-2.0
#include "lab/image/image.h"

#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/image/cpio.h"
#include "lab/image/shared_libraries.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

std::string archive_name(const fs::path& path_in_guest) {
  return path_in_guest.lexically_normal().relative_path().string();
}

void add_directories_above(CpioContents& contents, const std::string& name) {
  for (auto above = fs::path(name).parent_path(); !above.empty(); above = above.parent_path()) {
    contents.directories.try_emplace(above.string(), 0755);
  }
}

Expected<std::string> read_file(const fs::path& path) {
  const auto cannot_read = [&path](const std::string& reason) {
    return could_not_start("cannot read " + path.string() + " for the image: " + reason);
  };
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return cannot_read(error.message());
  std::string content(size, '\0');
  std::ifstream stream(path, std::ios::binary);
  if (!stream.read(content.data(), static_cast<std::streamsize>(size))) {
    return cannot_read(std::strerror(errno));
  }
  return content;
}

/// Two files at one place are an error unless they are the same: one would hide the other.
Expected<void> add_file(CpioContents& contents, const fs::path& source,
                        const fs::path& path_in_guest, mode_t mode) {
  auto content = read_file(source);
  if (!content) return std::unexpected(content.error());
  const std::string name = archive_name(path_in_guest);
  add_directories_above(contents, name);
  const auto [place, added] =
      contents.files.try_emplace(name, CpioContents::File{.mode = mode, .content = {}});
  if (!added && place->second.content != *content) {
    return could_not_start("two different files would be " + path_in_guest.string() +
                           " in the guest; " + source.string() +
                           " is one of them: give it another name");
  }
  place->second.content = std::move(*content);
  return {};
}

Expected<void> add_program(CpioContents& contents, const fs::path& source) {
  if (auto added = add_file(contents, source, fs::path("/payload") / source.filename(), 0755);
      !added) {
    return added;
  }
  const auto libraries = shared_libraries(source);
  if (!libraries) return std::unexpected(libraries.error());
  for (const auto& library : *libraries) {
    // Init mounts file systems there.
    for (const std::string hiding : {"/dev/", "/proc/", "/run/", "/sys/", "/tmp/"}) {
      if (library.string().starts_with(hiding)) {
        return could_not_start(source.string() + " needs " + library.string() +
                               ", which a guest cannot have in " + hiding +
                               ": link it statically or build elsewhere");
      }
    }
    if (auto added = add_file(contents, library, library, 0755); !added) return added;
  }
  return {};
}

}  // namespace

std::string path_in_guest(const Payload& payload) {
  return "/payload/" + payload.program.filename().string();
}

std::vector<std::string> paths_in_guest(const std::vector<fs::path>& modules) {
  std::vector<std::string> paths;
  for (const auto& module : modules) {
    paths.push_back("/nsgate/modules/" + module.filename().string());
  }
  return paths;
}

Expected<void> build_image(const fs::path& init, const Payload& payload, const frame::Plan& plan,
                           const fs::path& output, const std::vector<fs::path>& modules) {
  CpioContents contents;
  for (const char* name : {"dev", "etc", "newroot", "proc", "root", "run", "sys", "tmp"}) {
    contents.directories.emplace(name, 0755);
  }
  // The kernel opens the console before init can mount anything.
  contents.devices.emplace("dev/console", makedev(5, 1));
  contents.devices.emplace("dev/null", makedev(1, 3));
  const std::string plan_name = archive_name(frame::plan_path);
  add_directories_above(contents, plan_name);
  contents.files.emplace(plan_name,
                         CpioContents::File{.mode = 0600, .content = frame::encode(plan)});
  if (auto added = add_file(contents, init, "/init", 0755); !added) return added;
  if (auto added = add_program(contents, payload.program); !added) return added;
  for (const auto& carried : payload.carried) {
    if (auto added = add_program(contents, carried); !added) return added;
  }
  const auto places = paths_in_guest(modules);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    if (auto added = add_file(contents, modules[i], places[i], 0644); !added) return added;
  }
  return write_cpio(contents, output);
}

}  // namespace nsgate::lab
