# SPDX-License-Identifier: Apache-2.0
#
# A kernel that lies, and the tests that notice it: one CTest a lie. Included by tests/.
file(GLOB liar_sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} lies/*.cc)
add_executable(nsgate_liar ${liar_sources})
target_include_directories(nsgate_liar PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(nsgate_liar PRIVATE nsgate_flags CLI11::CLI11)

# A sanitizer makes system calls of its own, about which nothing is promised.
if(NOT NSGATE_SANITIZE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS lies/witnesses)
  file(STRINGS lies/witnesses witnesses REGEX "^[a-z]")
  foreach(line IN LISTS witnesses)
    string(REGEX REPLACE " .*" "" lie "${line}")
    add_test(NAME lie.${lie}
             COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/lies/run --build ${PROJECT_BINARY_DIR} ${lie})
    set_tests_properties(lie.${lie} PROPERTIES LABELS lies TIMEOUT 300 SKIP_RETURN_CODE 77)
  endforeach()
endif()
