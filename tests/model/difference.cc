// SPDX-License-Identifier: Apache-2.0
#include "model/difference.h"

namespace nsgate::model {
namespace {

bool same(const Descriptor& a, const Descriptor& b) {
  const auto is_namespace = [](const Descriptor& it) {
    return it.type == Descriptor::Type::net || it.type == Descriptor::Type::user;
  };
  // Of the others only what comes of them is seen.
  if (!is_namespace(a) && !is_namespace(b)) return true;
  return a.type == b.type && a.of == b.of;
}

bool same(const std::vector<Process>& a, const std::vector<Process>& b) {
  for (std::size_t p = 0; p < a.size(); ++p) {
    if (!a[p].alive()) continue;
    for (std::size_t t = 0; t < a[p].threads.size(); ++t) {
      const Thread& one = a[p].threads[t];
      const Thread& other = b[p].threads[t];
      if (one.alive && (one.user != other.user || one.net != other.net)) return false;
    }
    for (std::size_t s = 0; s < max_slots; ++s) {
      if (!same(a[p].slots[s], b[p].slots[s])) return false;
    }
  }
  return true;
}

}  // namespace

bool tells_apart(const Facts& facts, Rule without, std::span<const Operation> operations) {
  Model whole(facts);
  Model other(facts, without);
  for (const auto& operation : operations) {
    const Step step = whole.resolve(operation);
    const Outcome a = whole.apply(step);
    const Outcome b = other.apply(step);
    if (a.error != b.error || a.stage != b.stage || a.entered != b.entered ||
        a.cookie_of != b.cookie_of || !same(whole.processes(), other.processes())) {
      return true;
    }
  }
  return false;
}

}  // namespace nsgate::model
