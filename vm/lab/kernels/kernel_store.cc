// SPDX-License-Identifier: Apache-2.0
#include "lab/kernels/kernel_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lab/base/could_not_start.h"

namespace nsgate::lab {
Expected<KernelStore> KernelStore::open(Options options, Progress progress) {
  auto catalogue = load_kernel_catalogue(options.catalogue);
  if (!catalogue) return std::unexpected(std::move(catalogue.error()));
  auto fetcher = KernelFetcher::open({.lockfile = options.lockfile,
                                      .cache = options.cache / "kernels",
                                      .keyring = options.keyring,
                                      .offline = options.offline,
                                      .module_wishes = catalogue->module_wishes},
                                     progress);
  if (!fetcher) return std::unexpected(std::move(fetcher.error()));
  return KernelStore(std::move(*catalogue), std::move(options), std::move(*fetcher),
                     std::move(progress));
}

KernelStore::KernelStore(KernelCatalogue catalogue, Options options, KernelFetcher fetcher,
                         Progress progress)
    : catalogue_(std::move(catalogue)),
      options_(std::move(options)),
      fetcher_(std::move(fetcher)),
      own_(options_.cache / "own", catalogue_.module_wishes, std::move(progress)) {
  for (const auto& series : catalogue_.series) names_.push_back(series.name);
}

std::vector<std::string> KernelStore::default_names() const {
  std::vector<std::string> names;
  for (const auto& series : catalogue_.series) {
    if (series.is_default) names.push_back(series.name);
  }
  return names;
}

Kernel KernelStore::complete(Kernel kernel) const {
  const auto found = std::ranges::find(catalogue_.series, kernel.name, &KernelSeries::name);
  if (found != catalogue_.series.end()) kernel.flavour = found->flavour;
  return kernel;
}

Expected<const KernelSeries*> KernelStore::find_series(const std::string& name) const {
  const auto found = std::ranges::find(catalogue_.series, name, &KernelSeries::name);
  if (found != catalogue_.series.end()) return &*found;
  std::string known;
  for (const auto& series : names_) known += (known.empty() ? "" : ", ") + series;
  return could_not_start("no kernel is named " + name + ": there are " + known +
                         ", and the path of a kernel needs a slash, as in ./" + name);
}

Expected<std::map<std::string, Kernel>> KernelStore::prepare_own(
    const std::vector<std::string>& names) const {
  std::map<std::string, Kernel> prepared;
  std::string complaints;
  for (const auto& name : names) {
    std::optional<Failure> failure;
    if (!is_own_kernel(name)) {
      if (const auto series = find_series(name); !series) failure = series.error();
    } else if (auto kernel = own_.prepare(name, options_.own); kernel) {
      prepared.emplace(name, std::move(*kernel));
    } else {
      failure = std::move(kernel.error());
    }
    if (failure) complaints += (complaints.empty() ? "" : "\n") + failure->message;
  }
  if (!complaints.empty()) return could_not_start(complaints);
  return prepared;
}

Expected<std::vector<KernelStore::Listed>> KernelStore::list() const {
  std::vector<Listed> listed;
  for (const auto& name : names_) {
    auto look = fetcher_.look(name);
    if (!look) return std::unexpected(std::move(look.error()));
    listed.push_back({complete(std::move(look->kernel)), look->cached});
  }
  return listed;
}

Expected<std::vector<Kernel>> KernelStore::fetch(const std::vector<std::string>& names) {
  // Mistyped names are told before minutes are spent on the network.
  auto own = prepare_own(names);
  if (!own) return std::unexpected(std::move(own.error()));
  std::vector<Kernel> kernels;
  std::string missing;
  for (const auto& name : names) {
    if (const auto ready = own->find(name); ready != own->end()) {
      kernels.push_back(ready->second);
      continue;
    }
    auto kernel = fetcher_.obtain(**find_series(name));
    if (kernel) {
      kernels.push_back(complete(std::move(*kernel)));
    } else {
      missing += "  " + name + " (" + fetcher_.wanted(name) + "): " + kernel.error().message + "\n";
    }
  }
  if (missing.empty()) return kernels;
  return could_not_start(
      "missing kernels:\n" + missing +
      "Once that is mended, `nsgate kernel fetch` with a network puts them into " +
      options_.cache.string());
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
  auto kernels = fetcher_.pin(newest);
  if (kernels)
    std::ranges::transform(*kernels, kernels->begin(),
                           [&](Kernel& kernel) { return complete(std::move(kernel)); });
  return kernels;
}

}  // namespace nsgate::lab
