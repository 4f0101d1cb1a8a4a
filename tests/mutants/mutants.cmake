# SPDX-License-Identifier: Apache-2.0
#
# Core, broken on purpose. All of it only by `ctest -C nightly`; the runner itself always. Included
# by tests/.
if(NOT NSGATE_SANITIZE AND CMAKE_GENERATOR STREQUAL "Ninja")
  add_test(NAME mutants CONFIGURATIONS nightly
           COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mutants/run --build ${PROJECT_BINARY_DIR})
  set_tests_properties(mutants PROPERTIES LABELS mutants TIMEOUT 14400 RUN_SERIAL ON
                                          SKIP_RETURN_CODE 77)
  add_test(NAME mutants_runner
           COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mutants/check_runner ${PROJECT_BINARY_DIR})
  set_tests_properties(mutants_runner PROPERTIES LABELS behaviour TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
