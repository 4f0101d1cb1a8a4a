// SPDX-License-Identifier: Apache-2.0
//
// ThreadSanitizer's own thread, which it starts anew in every forked child: the kernel refuses a
// process with threads to enter or leave a user namespace (setns(2), unshare(2): EINVAL).
#pragma once

#ifdef __SANITIZE_THREAD__
#define NSGATE_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NSGATE_THREAD_SANITIZER
#endif
#endif

namespace nsgate::test {

/// In the parent, before fork(2): no child of it or of its children keeps such a thread. Does
/// nothing in a build without ThreadSanitizer.
void stop_sanitizer_thread();
/// In the child: waits until the thread, which the sanitizer has started all the same, is gone.
void wait_for_end_of_sanitizer_thread();

}  // namespace nsgate::test
