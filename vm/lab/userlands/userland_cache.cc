// SPDX-License-Identifier: Apache-2.0
#include "lab/userlands/userland_cache.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"
#include "lab/base/write_file.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* loader = "lib64/ld-linux-x86-64.so.2";
constexpr const char* libc = "libc.so.6";

std::optional<std::string> text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

/// The newest version of the symbols of the libc; empty when the tree could not start a program.
std::string glibc_of(const RootTree& tree) {
  if (!tree.resolve(loader)) return {};
  constexpr std::array folders{"lib/x86_64-linux-gnu/", "usr/lib/x86_64-linux-gnu/", "lib64/",
                               "usr/lib64/"};
  for (const std::string folder : folders) {
    const auto name = tree.resolve(folder + libc);
    if (name) return newest_glibc_version(tree.contents().files.at(*name).content);
  }
  return {};
}

bool is_in_path(const RootTree& tree, const std::string& program) {
  for (const char* folder : {"usr/sbin/", "usr/bin/", "sbin/", "bin/"}) {
    if (tree.resolve(folder + program)) return true;
  }
  return false;
}

Json describe(const Userland& userland, const std::string& made_from, std::uint64_t size) {
  return {{"made_from", made_from},
          {"name", userland.name},
          {"sha256", userland.sha256},
          {"archive_bytes", size},
          {"unpacked_bytes", userland.unpacked_bytes},
          {"glibc", userland.glibc},
          {"unmet", userland.unmet},
          {"packages", userland.packages},
          {"libraries", userland.libraries}};
}

}  // namespace

std::string cache_key(const std::string& prefix, const std::string& text) {
  // FNV-1a. Two texts of one key are told apart by `made_from`, so no more is asked of it.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string key = prefix + '-';
  for (int shift = 60; shift >= 0; shift -= 4) key += digits[hash >> shift & 0xf];
  return key;
}

Expected<std::optional<Userland>> UserlandCache::look(const std::string& key,
                                                      const std::string& made_from) const {
  const auto text = text_of(file(key, ".json"));
  if (!text) return std::nullopt;
  try {
    const auto known = Json::parse(*text);
    Userland userland{.name = known.at("name"),
                      .archive = file(key, ".cpio"),
                      .sha256 = known.at("sha256"),
                      .unpacked_bytes = known.at("unpacked_bytes"),
                      .unmet = known.at("unmet"),
                      .packages = known.at("packages"),
                      .libraries = known.at("libraries"),
                      .glibc = known.at("glibc")};
    std::error_code error;
    const auto size = fs::file_size(userland.archive, error);
    if (error || size != known.at("archive_bytes").get<std::uint64_t>() ||
        known.at("made_from") != made_from) {
      return std::nullopt;
    }
    return userland;
  } catch (const Json::exception&) {
    // Whatever it is, it is no userland of ours.
    return std::nullopt;
  }
}

Expected<FileLock> UserlandCache::lock(const std::string& key) const {
  return FileLock::acquire(file(key, ".lock"));
}

Expected<fs::path> UserlandCache::workshop(const std::string& key) const {
  const auto folder = file(key, ".work");
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) fs::create_directories(folder, error);
  if (error) return could_not_start("cannot empty " + folder.string() + ": " + error.message());
  return folder;
}

Expected<Userland> UserlandCache::keep(const std::string& key, const std::string& made_from,
                                       Userland userland, const RootTree& tree) const {
  userland.glibc = glibc_of(tree);
  if (userland.glibc.empty()) {
    return could_not_start("the userland " + userland.name + " has no libc: it lacks /" + loader +
                           " or " + libc +
                           " of glibc for x86-64, which every program in it would need");
  }
  userland.libraries = tree.libraries();
  userland.unpacked_bytes = tree.unpacked_bytes();
  for (const char* tool : {"nsenter", "unshare", "ip"}) {
    if (is_in_path(tree, tool)) continue;
    userland.unmet.emplace_back("tools");
    break;
  }
  userland.archive = file(key, ".cpio");
  std::error_code error;
  fs::remove(file(key, ".json"), error);
  if (auto written = write_cpio(tree.contents(), userland.archive); !written) {
    return std::unexpected(written.error());
  }
  auto hash = sha256_of(userland.archive);
  if (!hash) return std::unexpected(hash.error());
  userland.sha256 = std::move(*hash);
  const auto size = fs::file_size(userland.archive, error);
  const auto described =
      describe(userland, made_from, size).dump(1, ' ', false, Json::error_handler_t::replace);
  if (auto written = write_file(file(key, ".json"), described + '\n'); !written) {
    return std::unexpected(written.error());
  }
  return userland;
}

void UserlandCache::remove_others(const std::string& prefix, const std::string& kept) const {
  std::error_code error;
  std::vector<fs::path> old;
  for (auto it = fs::directory_iterator(folder_, error); !error && it != fs::end(it);
       it.increment(error)) {
    const auto name = it->path().filename().string();
    // A lock stays: see FileLock.
    if (name.starts_with(prefix + '-') && !name.starts_with(kept) && !name.ends_with(".lock")) {
      old.push_back(it->path());
    }
  }
  for (const auto& path : old) fs::remove(path, error);
}

}  // namespace nsgate::lab
