// SPDX-License-Identifier: Apache-2.0
#include "lab/cells/prepare.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "lab/base/could_not_start.h"
#include "lab/cells/test_list.h"
#include "lab/kernels/kernel_config.h"
#include "lab/profiles/profile.h"

namespace nsgate::lab {
namespace {

namespace fs = std::filesystem;

template <typename T>
std::vector<std::string> distinct(const std::vector<CellSpec>& cells, T CellSpec::*member) {
  std::vector<std::string> values;
  for (const auto& cell : cells) {
    if (std::ranges::find(values, cell.*member) == values.end()) values.push_back(cell.*member);
  }
  return values;
}

Expected<std::map<std::string, Kernel>> fetch_kernels(const std::vector<std::string>& names,
                                                      const KernelStore::Options& options) {
  auto store = KernelStore::open(options, [](std::string_view text) { spdlog::info(text); });
  if (!store) return std::unexpected(store.error());
  const auto kernels = store->fetch(names);
  if (!kernels) return std::unexpected(kernels.error());
  std::map<std::string, Kernel> by_name;
  for (std::size_t i = 0; i < names.size(); ++i) by_name.emplace(names[i], (*kernels)[i]);
  return by_name;
}

Payload payload_of(const CellSpec& spec, const RunRequest& request, const LabFiles& files) {
  if (spec.payload == default_payload) {
    return spec.userland == no_userland ? files.tests : files.dynamic_tests;
  }
  return {.program = spec.payload, .carried = request.carried};
}

/// The options that the profile needs and the kernel was built without; nothing where its
/// configuration is not known: then the guest finds out.
Expected<std::string> lacking(const Kernel& kernel, const Profile& profile) {
  if (kernel.config.empty() || profile.config.empty()) return "";
  const auto config = KernelConfig::load(kernel.config);
  if (!config) return std::unexpected(config.error());
  std::string names;
  for (const auto& option : missing_options(*config, profile.config)) {
    names += (names.empty() ? "" : ", ") + option;
  }
  return names.empty() ? names : names + " not set in this kernel, which the profile needs";
}

/// Ready, and good for the payload of each cell that is to run on it.
Expected<std::map<std::string, Userland>> obtain_userlands(const RunRequest& request,
                                                           const UserlandStore::Options& options,
                                                           const LabFiles& files) {
  auto store = UserlandStore::open(options, [](std::string_view text) { spdlog::info(text); });
  if (!store) return std::unexpected(store.error());
  std::map<std::string, Userland> by_name;
  std::string missing;
  for (const auto& name : distinct(request.cells, &CellSpec::userland)) {
    auto userland = store->obtain(name);
    if (userland) {
      by_name.emplace(name, std::move(*userland));
    } else if (!options.offline) {
      return std::unexpected(userland.error());
    } else {
      missing += (missing.empty() ? "" : "\n") + userland.error().message;
    }
  }
  if (!missing.empty()) return could_not_start(missing);
  for (const auto& spec : request.cells) {
    const auto payload = payload_of(spec, request, files);
    auto programs = payload.carried;
    programs.push_back(payload.program);
    for (const auto& program : programs) {
      if (auto good = check_payload(by_name.at(spec.userland), program); !good) {
        return std::unexpected(std::move(good.error()));
      }
    }
  }
  return by_name;
}

/// Lists each program's tests once for each filter: that starts the program.
class TestLists {
 public:
  Expected<std::vector<std::string>> of(const fs::path& program, const std::string& filter) {
    const auto key = program.string() + '\n' + filter;
    if (const auto known = lists_.find(key); known != lists_.end()) return known->second;
    auto list = list_tests(program, filter);
    if (list) lists_.emplace(key, *list);
    return list;
  }

 private:
  std::map<std::string, std::vector<std::string>> lists_;
};

/// What the user asked for, of that which the profile promises. The filters of the profiles know
/// the names of nsgate's own tests only.
Expected<std::vector<std::string>> tests_of(const CellSpec& spec, const RunRequest& request,
                                            const Profile& profile, const fs::path& program,
                                            TestLists& lists) {
  auto filter = request.filter.empty() ? spec.filter : request.filter;
  if (filter.empty()) filter = "*";
  auto tests = lists.of(program, filter);
  if (!tests || profile.filter == "*" || spec.payload != default_payload) return tests;
  const auto promised = lists.of(program, profile.filter);
  if (!promised) return std::unexpected(promised.error());
  std::erase_if(*tests, [&](const auto& test) {
    return std::ranges::find(*promised, test) == promised->end();
  });
  return tests;
}

/// Never empty: a cell without a test says nothing.
Expected<std::vector<std::string>> sharded_tests(const CellSpec& spec, const RunRequest& request,
                                                 const Profile& profile, const fs::path& program,
                                                 TestLists& lists) {
  const auto tests = tests_of(spec, request, profile, program, lists);
  if (!tests) return tests;
  if (tests->empty()) {
    return could_not_start("the profile " + profile.name + " promises none of the tests of " +
                           (request.filter.empty() ? spec.filter : request.filter));
  }
  auto mine = shard_of(*tests, spec.shard);
  if (!mine.empty()) return mine;
  return could_not_start(name_of(spec) + " has no test: there are only " +
                         std::to_string(tests->size()) + " to share out");
}

}  // namespace

Expected<std::vector<std::string>> tests_of_request(const RunRequest& request,
                                                    const LabFiles& files) {
  const auto profiles = load_profiles(files.data / "profiles.toml");
  if (!profiles) return std::unexpected(profiles.error());
  TestLists lists;
  std::vector<std::string> all;
  for (const auto& spec : request.cells) {
    const auto profile = find_profile(*profiles, spec.profile);
    if (!profile) return std::unexpected(profile.error());
    const auto program = payload_of(spec, request, files).program;
    const auto tests = sharded_tests(spec, request, *profile, program, lists);
    if (!tests) return tests;
    for (const auto& test : *tests) {
      if (std::ranges::find(all, test) == all.end()) all.push_back(test);
    }
  }
  return all;
}

Expected<std::vector<Cell>> prepare_cells(const RunRequest& request, const Stores& stores,
                                          const LabFiles& files) {
  const auto profiles = load_profiles(files.data / "profiles.toml");
  if (!profiles) return std::unexpected(profiles.error());
  const auto kernels = fetch_kernels(distinct(request.cells, &CellSpec::kernel), stores.kernels);
  // With a network a userland may take minutes, which a mistyped kernel is not worth.
  if (!kernels && !stores.userlands.offline) return std::unexpected(kernels.error());
  const auto userlands = obtain_userlands(request, stores.userlands, files);
  // Without one everything that is missing is named at once.
  if (!kernels && !userlands) {
    return could_not_start(kernels.error().message + '\n' + userlands.error().message);
  }
  if (!kernels) return std::unexpected(kernels.error());
  if (!userlands) return std::unexpected(userlands.error());

  TestLists lists;
  std::vector<Cell> cells;
  for (const auto& spec : request.cells) {
    const auto profile = find_profile(*profiles, spec.profile);
    if (!profile) return std::unexpected(profile.error());
    Cell cell{.spec = spec,
              .kernel = kernels->at(spec.kernel),
              .userland = userlands->at(spec.userland),
              .profile = *profile,
              .policies = {},
              .payload = payload_of(spec, request, files),
              .tests = {},
              .unavailable = {}};
    for (const auto& file : profile->files) cell.policies.push_back(files.data / "policy" / file);
    auto tests = sharded_tests(spec, request, *profile, cell.payload.program, lists);
    if (!tests) return std::unexpected(tests.error());
    const auto why = lacking(cell.kernel, *profile);
    if (!why) return std::unexpected(why.error());
    cell.unavailable = *why;
    cell.tests = std::move(*tests);
    cells.push_back(std::move(cell));
  }
  return cells;
}

}  // namespace nsgate::lab
