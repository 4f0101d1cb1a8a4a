// SPDX-License-Identifier: Apache-2.0
//
// Which test proves which claim of the catalogue (tests/behaviours.toml), known before any test has
// run.
//
//   TEST(Target, ProcessWhoseLeaderHasEnded) {
//     BEHAVIOUR("TR13 XD04");
//
// It stands at the beginning of the body of a TEST, TEST_F, TEST_P, TYPED_TEST or RC_GTEST_PROP,
// and tells GoogleTest's report (the property "behaviour") as well. An id that is none, such as
// "TR1", does not compile; one that is not in the catalogue fails the test `catalogue`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace nsgate::test {

/// Ids, one blank between any two: two capital letters and two digits each.
template <std::size_t Size>
struct BehaviourIds {
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is what is written.
  consteval BehaviourIds(const char (&literal)[Size]) {
    for (std::size_t i = 0; i < Size; ++i) text[i] = literal[i];
    for (std::size_t i = 0; i < Size; ++i) {
      if (!belongs(text[i], i % length)) throw "not ids such as \"TR13 XD04\"";
    }
    if (Size % length != 0) throw "not ids such as \"TR13 XD04\"";
  }

  char text[Size]{};

 private:
  static constexpr std::size_t length = 5;  // an id and what follows it

  consteval bool belongs(char c, std::size_t place) const {
    const bool last = place == length - 1;
    if (place < 2) return c >= 'A' && c <= 'Z';
    if (!last) return c >= '0' && c <= '9';
    return c == ' ' || c == '\0';
  }
};

/// Where a BEHAVIOUR stands.
struct Place {
  const char* file;
  int line;
  const char* function;  ///< with its scope, as the compiler prints it
};

/// A test and the claims that it proves.
struct Proof {
  std::string test;  ///< "Suite.Name"; empty where a BEHAVIOUR stands in no test
  std::vector<std::string> ids;
  std::string place;  ///< "file:line"
};

/// Of every BEHAVIOUR of the program, in the order of its tests; those in no test come last. To be
/// called once main has begun.
std::vector<Proof> proofs();

namespace detail {

/// The tests of GoogleTest are not all known while this is called: it is kept as it is.
bool note_proof(const char* ids, Place (*place)());

/// Tells GoogleTest's report.
void record_behaviours(const char* ids);

template <BehaviourIds Ids, typename PlaceOf>
struct Noted {
  // Of no use but that its initializer runs before main, because prove() refers to it.
  static inline const bool done = note_proof(Ids.text, PlaceOf{});
};

template <BehaviourIds Ids, typename PlaceOf>
void prove(PlaceOf) {
  [[maybe_unused]] const bool* const refers = &Noted<Ids, PlaceOf>::done;
  record_behaviours(Ids.text);
}

}  // namespace detail
}  // namespace nsgate::test

/// The claims of the catalogue that the test proves: "TR01 TR06".
#define BEHAVIOUR(ids)                                                     \
  ::nsgate::test::detail::prove<::nsgate::test::BehaviourIds(ids)>([] {    \
    return ::nsgate::test::Place{__FILE__, __LINE__, __PRETTY_FUNCTION__}; \
  })
