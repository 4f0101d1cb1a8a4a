// SPDX-License-Identifier: Apache-2.0
#include "guest/output_tail.h"

namespace nsgate::guest {

void OutputTail::append(std::string_view bytes) {
  kept_.append(bytes);
  if (kept_.size() < 2 * limit) return;
  const auto surplus = kept_.size() - limit;
  kept_.erase(0, surplus);
  dropped_ += surplus;
}

std::string OutputTail::text() const {
  const auto surplus = kept_.size() > limit ? kept_.size() - limit : 0;
  if (dropped_ + surplus == 0) return kept_;
  return "[the first " + std::to_string(dropped_ + surplus) + " bytes were dropped]\n" +
         kept_.substr(surplus);
}

}  // namespace nsgate::guest
