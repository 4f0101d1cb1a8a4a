// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_folder.h"

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"
#include "lab/base/write_file.h"
#include "lab/kernels/decompress.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int schema_version = 1;
constexpr const char* manifest_name = "manifest.json";
constexpr const char* stamps_name = "stamps.json";
constexpr const char* image_name = "image";
constexpr const char* config_name = "config";

/// By their names within the folder.
using Hashes = std::vector<std::pair<std::string, std::string>>;

struct Manifest {
  std::string release;
  std::string origin;
  Hashes files;
  std::vector<std::string> built_in;
  std::vector<std::string> absent;
};

std::string to_text(const Manifest& manifest) {
  Json files = Json::object();
  for (const auto& [name, hash] : manifest.files) files[name] = hash;
  const Json document = {{"schema_version", schema_version},
                         {"release", manifest.release},
                         {"origin", manifest.origin},
                         {"files", files},
                         {"modules_built_in", manifest.built_in},
                         {"modules_absent", manifest.absent}};
  return document.dump(2) + "\n";
}

/// Nothing when it is not what to_text() writes: the folder is filled anew then.
std::optional<Manifest> read_manifest(const fs::path& folder) {
  std::ifstream in(folder / manifest_name);
  if (!in) return std::nullopt;
  try {
    const auto document = Json::parse(in);
    if (document.at("schema_version").get<int>() != schema_version) return std::nullopt;
    Manifest manifest{.release = document.at("release").get<std::string>(),
                      .origin = document.at("origin").get<std::string>(),
                      .files = {},
                      .built_in = document.at("modules_built_in").get<std::vector<std::string>>(),
                      .absent = document.at("modules_absent").get<std::vector<std::string>>()};
    for (const auto& [name, hash] : document.at("files").items()) {
      manifest.files.emplace_back(name, hash.get<std::string>());
    }
    return manifest;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

/// Every change to a file sets its ctime, which no program can set back.
using Stamp = std::array<std::int64_t, 4>;
constexpr std::size_t ctime_at = 3;

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::optional<Stamp> stamp_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return Stamp{status.st_size, static_cast<std::int64_t>(status.st_ino),
               nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

/// Those that can be relied on: the file was last changed in an earlier tick of the clock than the
/// one in which the stamps were written.
std::map<std::string, Stamp> read_stamps(const fs::path& folder) {
  std::map<std::string, Stamp> stamps;
  const auto written = stamp_of(folder / stamps_name);
  std::ifstream in(folder / stamps_name);
  if (!written || !in) return stamps;
  try {
    const auto document = Json::parse(in);
    for (const auto& [name, stamp] : document.items()) {
      const auto value = stamp.get<Stamp>();
      if (value[ctime_at] < (*written)[ctime_at]) stamps.emplace(name, value);
    }
  } catch (const Json::exception&) {
    stamps.clear();
  }
  return stamps;
}

Expected<bool> is_whole(const fs::path& folder, const Manifest& manifest, Stamps stamps) {
  const auto known = read_stamps(folder);
  bool hashed = false;
  Json seen = Json::object();
  for (const auto& [name, hash] : manifest.files) {
    // Before it is hashed: a file that changes meanwhile has another stamp.
    const auto stamp = stamp_of(folder / name);
    if (!stamp) return false;
    seen[name] = *stamp;
    const auto before = known.find(name);
    if (before != known.end() && before->second == *stamp) continue;
    const auto now = sha256_of(folder / name);
    if (!now) return std::unexpected(now.error());
    if (*now != hash) return false;
    hashed = true;
  }
  if (hashed && stamps == Stamps::refresh) {
    // Without them only the next reading is slower.
    static_cast<void>(write_file(folder / stamps_name, seen.dump(2) + "\n"));
  }
  return true;
}

std::string name_of_module(std::size_t number, const fs::path& file) {
  std::array<char, 16> prefix{};
  std::snprintf(prefix.data(), prefix.size(), "%02zu-", number);
  return std::string("modules/") + prefix.data() + module_name(file) + ".ko";
}

StoredKernel stored(const fs::path& folder, const Manifest& manifest) {
  StoredKernel kernel{.release = manifest.release,
                      .origin = manifest.origin,
                      .image = {},
                      .image_sha256 = {},
                      .config = {},
                      .modules = {},
                      .built_in = manifest.built_in,
                      .absent = manifest.absent};
  for (const auto& [name, hash] : manifest.files) {
    if (name == image_name) {
      kernel.image = folder / name;
      kernel.image_sha256 = hash;
    } else if (name == config_name) {
      kernel.config = folder / name;
    } else {
      kernel.modules.push_back(folder / name);
    }
  }
  return kernel;
}

}  // namespace

Expected<StoredKernel> fill_kernel_folder(const fs::path& folder, const KernelParts& parts) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) fs::create_directories(folder / "modules", error);
  if (error) return could_not_start("cannot create " + folder.string() + ": " + error.message());

  std::vector<std::pair<std::string, fs::path>> sources;
  if (!parts.config.empty()) sources.emplace_back(config_name, parts.config);
  for (const auto& file : parts.modules.files) {
    sources.emplace_back(name_of_module(sources.size() - (parts.config.empty() ? 0 : 1), file),
                         file);
  }
  if (!parts.image.empty()) sources.emplace_back(image_name, parts.image);
  Manifest manifest{.release = parts.release,
                    .origin = parts.origin,
                    .files = {},
                    .built_in = parts.modules.built_in,
                    .absent = parts.modules.absent};
  for (const auto& [name, source] : sources) {
    // An image is never compressed as a whole; were it, it would be no image any more.
    if (auto done = decompress_file(source, folder / name); !done) {
      return std::unexpected(std::move(done.error()));
    }
    auto hash = sha256_of(folder / name);
    if (!hash) return std::unexpected(std::move(hash.error()));
    manifest.files.emplace_back(name, std::move(*hash));
  }
  if (auto done = write_file(folder / manifest_name, to_text(manifest)); !done) {
    return std::unexpected(std::move(done.error()));
  }
  auto kernel = read_kernel_folder(folder, Stamps::refresh);
  if (!kernel) return std::unexpected(std::move(kernel.error()));
  if (!*kernel) {
    return could_not_start("what was just written to " + folder.string() +
                           " reads differently: check the disk");
  }
  return std::move(**kernel);
}

Expected<std::optional<StoredKernel>> read_kernel_folder(const fs::path& folder, Stamps stamps) {
  const auto manifest = read_manifest(folder);
  if (!manifest) return std::nullopt;
  const auto whole = is_whole(folder, *manifest, stamps);
  if (!whole) return std::unexpected(whole.error());
  return *whole ? std::optional(stored(folder, *manifest)) : std::nullopt;
}

}  // namespace nsgate::lab
