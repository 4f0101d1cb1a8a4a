// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_store.h"

#include <algorithm>
#include <utility>

#include "lab/base/could_not_start.h"
#include "lab/base/sha256.h"
#include "lab/kernels/bzimage.h"

namespace nsgate::lab {
namespace {

bool is_path(const std::string& name) { return name.find('/') != std::string::npos; }

Expected<Kernel> own_kernel(const std::string& path) {
  const auto header = read_bzimage(path);
  if (!header) return std::unexpected(header.error());
  const auto hash = sha256_of(path);
  if (!hash) return std::unexpected(hash.error());
  return Kernel{.name = path,
                .release = header->release,
                .package_version = {},
                .image = std::filesystem::absolute(path),
                .image_sha256 = *hash,
                .unpinned = {}};
}

}  // namespace

Expected<KernelStore> KernelStore::open(Options options, Progress progress) {
  auto catalogue = load_kernel_catalogue(options.catalogue);
  if (!catalogue) return std::unexpected(std::move(catalogue.error()));
  auto fetcher = KernelFetcher::open({.lockfile = std::move(options.lockfile),
                                      .cache = options.cache,
                                      .keyring = std::move(options.keyring),
                                      .offline = options.offline},
                                     std::move(progress));
  if (!fetcher) return std::unexpected(std::move(fetcher.error()));
  return KernelStore(std::move(*catalogue), std::move(options.cache), std::move(*fetcher));
}

KernelStore::KernelStore(std::vector<KernelSeries> catalogue, std::filesystem::path cache,
                         KernelFetcher fetcher)
    : catalogue_(std::move(catalogue)), cache_(std::move(cache)), fetcher_(std::move(fetcher)) {
  for (const auto& series : catalogue_) names_.push_back(series.name);
}

Expected<const KernelSeries*> KernelStore::find_series(const std::string& name) const {
  const auto found = std::ranges::find(catalogue_, name, &KernelSeries::name);
  if (found != catalogue_.end()) return &*found;
  std::string known;
  for (const auto& series : names_) known += (known.empty() ? "" : ", ") + series;
  return could_not_start("no kernel is named " + name + ": there are " + known +
                         ", and the path of a bzImage needs a slash, as in ./" + name);
}

Expected<void> KernelStore::check_names(const std::vector<std::string>& names) const {
  std::string complaints;
  const auto complain = [&](const Failure& failure) {
    complaints += (complaints.empty() ? "" : "\n") + failure.message;
  };
  for (const auto& name : names) {
    if (is_path(name)) {
      if (const auto image = read_bzimage(name); !image) complain(image.error());
    } else if (const auto series = find_series(name); !series) {
      complain(series.error());
    }
  }
  if (!complaints.empty()) return could_not_start(complaints);
  return {};
}

Expected<std::vector<KernelStore::Listed>> KernelStore::list() const {
  std::vector<Listed> listed;
  for (const auto& name : names_) {
    auto look = fetcher_.look(name);
    if (!look) return std::unexpected(std::move(look.error()));
    listed.push_back(std::move(*look));
  }
  return listed;
}

Expected<std::vector<Kernel>> KernelStore::fetch(const std::vector<std::string>& names) {
  // Mistyped names are told before minutes are spent on the network.
  if (auto good = check_names(names); !good) return std::unexpected(std::move(good.error()));
  std::vector<Kernel> kernels;
  std::string missing;
  for (const auto& name : names) {
    auto kernel = is_path(name) ? own_kernel(name) : fetcher_.obtain(**find_series(name));
    if (kernel) {
      kernels.push_back(std::move(*kernel));
    } else {
      missing += "  " + name + " (" + fetcher_.wanted(name) + "): " + kernel.error().message + "\n";
    }
  }
  if (missing.empty()) return kernels;
  return could_not_start(
      "missing kernels:\n" + missing +
      "Once that is mended, `nsgate kernel fetch` with a network puts them into " +
      cache_.string());
}

Expected<std::vector<Kernel>> KernelStore::update(const std::vector<std::string>& names) {
  std::vector<LockedKernel> newest;
  for (const auto& name : names) {
    const auto series = find_series(name);
    if (!series) return std::unexpected(series.error());
    auto kernel = fetcher_.newest(**series);
    if (!kernel) {
      return could_not_start(name + ": " + kernel.error().message + "\nThe lockfile is as it was");
    }
    newest.push_back(std::move(*kernel));
  }
  return fetcher_.pin(newest);
}

}  // namespace nsgate::lab
