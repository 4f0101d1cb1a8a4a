// SPDX-License-Identifier: Apache-2.0
#include "lab/base/toml_words.h"

namespace nsgate::lab {

std::optional<std::vector<std::string>> toml_words(const toml::node* node) {
  std::vector<std::string> found;
  if (node == nullptr) return found;
  const auto* array = node->as_array();
  if (array == nullptr) return std::nullopt;
  for (const auto& element : *array) {
    const auto word = element.value<std::string>();
    if (!word || word->empty()) return std::nullopt;
    found.push_back(*word);
  }
  return found;
}

}  // namespace nsgate::lab
