// SPDX-License-Identifier: Apache-2.0
//
// How an execution ended, in a form that a child can send to its test.
//
//   EXPECT_EQ(answer_of_child([&] { return how_it_ended(execute(command)); }),
//             refused(Stage::exec, ENOENT));
#pragma once

#include <ostream>

#include "nsgate/exec.h"

namespace nsgate::test {

struct Ended {
  bool started;  ///< the program did run; `stage` means nothing then
  Stage stage;
  int code;    ///< the errno, or what the program exited with
  int signal;  ///< what killed the child or the program, or 0
  friend bool operator==(const Ended&, const Ended&) = default;
};

inline Ended refused(Stage stage, int code) { return {false, stage, code, 0}; }
inline Ended killed(Stage stage, int signal) { return {false, stage, 0, signal}; }
inline Ended exited(int code) { return {true, Stage{}, code, 0}; }

inline Ended unknown_end() { return {true, Stage::wait, 0, 0}; }

inline Ended how_it_ended(const Result<Finished>& result) {
  if (!result) return {false, result.error().stage, result.error().code, result.error().signal};
  if (const auto* exit = std::get_if<Exited>(&result->how)) return exited(exit->code);
  if (const auto* signaled = std::get_if<Signaled>(&result->how)) {
    return {true, Stage{}, 0, signaled->signal};
  }
  return unknown_end();
}

/// The same of an in_netns whose closure returns nothing: success is exited(0).
inline Ended how_it_ended(const Result<void>& result) {
  return result ? exited(0)
                : Ended{false, result.error().stage, result.error().code, result.error().signal};
}

/// The same of what was only opened, a Netns or a UserNetns.
template <typename T>
Ended how_opening_ended(const Result<T>& opened) {
  return opened ? exited(0) : refused(opened.error().stage, opened.error().code);
}

inline std::ostream& operator<<(std::ostream& out, const Ended& ended) {
  return out << (ended.started ? "the program ended" : to_string(ended.stage)) << " with code "
             << ended.code << " and signal " << ended.signal;
}

}  // namespace nsgate::test
