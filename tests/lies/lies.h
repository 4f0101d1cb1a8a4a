// SPDX-License-Identifier: Apache-2.0
//
// What a kernel could get wrong about entering namespaces.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lies/call.h"

namespace nsgate::lies {

struct Lie {
  std::string name;
  std::string what;         ///< as a sentence about the kernel
  std::vector<long> calls;  ///< in which it is told
  std::function<void(Call&)> at_entry = nullptr;
  std::function<void(Call&)> at_exit = nullptr;
};

std::vector<Lie> lies_of_joining();
std::vector<Lie> lies_of_descriptors();
std::vector<Lie> lies_of_identity();
std::vector<Lie> lies_of_processes();

std::vector<Lie> all_lies();

}  // namespace nsgate::lies
