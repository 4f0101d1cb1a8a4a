// SPDX-License-Identifier: Apache-2.0
#include "model/kernels.h"

#include <cerrno>

namespace nsgate::model {
namespace {

/// One of a stable series that has something, from this patch level on.
bool is_from(const Version& kernel, const Version& first) {
  return kernel >= first && kernel.major == first.major && kernel.minor == first.minor;
}

}  // namespace

bool has_pidfd_ioctls(const Version& kernel) { return kernel >= Version{6, 11}; }

bool checks_before_it_knows(const Version& kernel) { return kernel < Version{6, 13}; }

bool pidfd_asks_for_access_first(const Version& kernel) {
  return kernel >= Version{7, 0} || is_from(kernel, {6, 12, 117});
}

int pidfd_of_a_thread_error(const Version& kernel) {
  return kernel >= Version{6, 16} ? ENOENT : EINVAL;
}

bool has_cookies(const Version& kernel) { return kernel >= Version{5, 14}; }

bool notes_dumpable_of_the_dead(const Version& kernel) {
  return kernel >= Version{6, 18, 44} || is_from(kernel, {6, 12, 117}) ||
         is_from(kernel, {6, 1, 192}) || is_from(kernel, {5, 10, 262});
}

bool keeps_dumpable_of_the_dead(const Version& kernel) { return kernel >= Version{7, 0}; }

bool tells_dead_from_closed(const Version& kernel) {
  return kernel >= Version{6, 9} || is_from(kernel, {6, 1, 192}) || is_from(kernel, {5, 10, 262});
}

bool asks_for_setfcap(const Version& kernel) {
  return kernel >= Version{5, 12} || is_from(kernel, {5, 10, 262});
}

bool leads_astray(const Version& kernel) {
  return kernel >= Version{5, 10} && kernel < Version{5, 11};
}

bool hides_fdinfo(const Version& kernel) { return kernel < Version{5, 14}; }

}  // namespace nsgate::model
