// SPDX-License-Identifier: Apache-2.0
#include "lab/image/image.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
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

/// On a userland's libc a program uses the userland's libraries.
Expected<void> add_program(CpioContents& contents, const fs::path& source, bool with_libraries) {
  if (auto added = add_file(contents, source, fs::path("/payload") / source.filename(), 0755);
      !added) {
    return added;
  }
  if (!with_libraries) return {};
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

/// Another file of the same name, time and size is another part.
std::string key_of(const ImageParts& parts) {
  std::string key = parts.userland.empty() ? "" : "on a userland";
  const auto add = [&key](const char* kind, const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return;
    key += fmt::format("\n{} {} {} {} {}.{}", kind, file.string(), status.st_ino, status.st_size,
                       status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  };
  add("init", parts.init);
  add("program", parts.payload.program);
  for (const auto& file : parts.payload.carried) add("carried", file);
  for (const auto& file : parts.modules) add("module", file);
  for (const auto& file : parts.policies) add("policy", file);
  return key;
}

Expected<CpioContents> gather(const ImageParts& parts) {
  CpioContents contents;
  for (const char* name :
       {"dev", "etc", "newroot", "nsgate", "proc", "root", "run", "sys", "tmp"}) {
    contents.directories.emplace(name, 0755);
  }
  // The kernel opens the console before init can mount anything.
  contents.devices.emplace("dev/console", makedev(5, 1));
  contents.devices.emplace("dev/null", makedev(1, 3));
  if (auto added = add_file(contents, parts.init, "/init", 0755); !added) {
    return std::unexpected(added.error());
  }
  std::vector<fs::path> programs;
  if (!parts.payload.program.empty()) programs.push_back(parts.payload.program);
  programs.insert(programs.end(), parts.payload.carried.begin(), parts.payload.carried.end());
  for (const auto& program : programs) {
    if (auto added = add_program(contents, program, parts.userland.empty()); !added) {
      return std::unexpected(added.error());
    }
  }
  const auto modules = modules_in_guest(parts.modules);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    if (auto added = add_file(contents, parts.modules[i], modules[i], 0600); !added) {
      return std::unexpected(added.error());
    }
  }
  for (const auto& policy : parts.policies) {
    const auto place = fs::path("/nsgate/policy") / policy.filename();
    if (auto added = add_file(contents, policy, place, 0600); !added) {
      return std::unexpected(added.error());
    }
  }
  return contents;
}

/// Puts archives one behind the other; each is padded to whole blocks by whoever wrote it.
Expected<void> concatenate(const std::vector<fs::path>& archives, const fs::path& output) {
  const auto failed = [&output](const fs::path& file) {
    return could_not_start("cannot write the image " + output.string() + " with " + file.string() +
                           ": " + std::strerror(errno));
  };
  const int to = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (to < 0) return failed(output);
  bool whole = true;
  fs::path last;
  for (const auto& archive : archives) {
    last = archive;
    const int from = ::open(archive.c_str(), O_RDONLY | O_CLOEXEC);
    whole = from >= 0;
    ssize_t copied = 0;
    constexpr std::size_t at_once = 1 << 30;
    while (whole && (copied = ::sendfile(to, from, nullptr, at_once)) > 0) {
    }
    whole = whole && copied == 0;
    const int error = errno;
    if (from >= 0) ::close(from);
    errno = error;
    if (!whole) break;
  }
  const int error = errno;
  if (::close(to) != 0) whole = false;
  if (whole) return {};
  errno = error;
  auto failure = failed(last);
  ::unlink(output.c_str());
  return failure;
}

}  // namespace

std::string path_in_guest(const Payload& payload) {
  return "/payload/" + payload.program.filename().string();
}

std::vector<std::string> modules_in_guest(const std::vector<fs::path>& modules) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < modules.size(); ++i) {
    names.push_back(fmt::format("/nsgate/modules/{:02}-{}", i, modules[i].filename().string()));
  }
  return names;
}

ImageBuilder::~ImageBuilder() {
  std::error_code ignored;
  if (!scratch_.empty()) fs::remove_all(scratch_, ignored);
}

Expected<fs::path> ImageBuilder::body_of(const ImageParts& parts) {
  const std::scoped_lock lock(mutex_);
  const auto key = key_of(parts);
  if (const auto known = bodies_.find(key); known != bodies_.end()) return known->second;
  if (scratch_.empty()) {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "nsgate-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) {
      return could_not_start("cannot make a scratch folder " + name + ": " + std::strerror(errno) +
                             "; set TMPDIR to a folder that can be written");
    }
    scratch_ = name;
  }
  const auto contents = gather(parts);
  if (!contents) return std::unexpected(contents.error());
  const auto body = scratch_ / (std::to_string(bodies_.size()) + ".cpio");
  if (auto written = write_cpio(*contents, body); !written) {
    return std::unexpected(written.error());
  }
  return bodies_[key] = body;
}

Expected<void> ImageBuilder::build(const ImageParts& parts, const frame::Plan& plan,
                                   const fs::path& output) {
  const auto body = body_of(parts);
  if (!body) return std::unexpected(body.error());
  CpioContents secret;
  secret.files.emplace(archive_name(frame::plan_path),
                       CpioContents::File{.mode = 0600, .content = frame::encode(plan)});
  const fs::path plan_archive = output.string() + ".plan";
  if (auto written = write_cpio(secret, plan_archive); !written) return written;
  std::vector<fs::path> archives{*body, plan_archive};
  if (!parts.userland.empty()) archives.insert(archives.begin(), parts.userland);
  auto built = concatenate(archives, output);
  std::error_code ignored;
  fs::remove(plan_archive, ignored);
  return built;
}

}  // namespace nsgate::lab
