# SPDX-License-Identifier: Apache-2.0
#
# Fails when a public header names a test that does not exist: a guarantee whose test was renamed or
# removed is a promise that nobody keeps.
#
#   cmake -DPROGRAM=nsgate_tests "-DHEADERS=a.h;b.h" -P named_tests.cmake
#
# A name is what follows "Test: " in a comment, up to the full stop, such as
# "Test: Exec.Stdin*, Plan.*."

cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${PROGRAM} --gtest_list_tests
                OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "#[^\n]*" "" listing "${listing}")
string(REGEX MATCHALL "[^\n]+" lines "${listing}")
foreach(line IN LISTS lines)
  if(line MATCHES "^([A-Za-z0-9_]+\\.)")
    set(suite "${CMAKE_MATCH_1}")
  elseif(line MATCHES "^  ([A-Za-z0-9_]+)")
    list(APPEND tests "${suite}${CMAKE_MATCH_1}")
  endif()
endforeach()

set(unknown "")
foreach(header IN LISTS HEADERS)
  file(READ ${header} text)
  # One line, without what begins a comment's line.
  string(REGEX REPLACE "\n *///?" "" text "${text}")
  string(REGEX MATCHALL "Test: [A-Za-z0-9_.*, ]+" notes "${text}")
  if(NOT notes)
    list(APPEND unknown "${header} names no test")
  endif()
  foreach(note IN LISTS notes)
    string(REGEX MATCHALL "[A-Za-z0-9_]+\\.[A-Za-z0-9_*]+" names "${note}")
    foreach(name IN LISTS names)
      string(REPLACE "." "\\." pattern "${name}")
      string(REPLACE "*" ".*" pattern "${pattern}")
      set(found "${tests}")
      list(FILTER found INCLUDE REGEX "^${pattern}$")
      if(NOT found)
        list(APPEND unknown "${header}: ${name}")
      endif()
    endforeach()
  endforeach()
endforeach()
if(unknown)
  list(JOIN unknown "\n  " shown)
  message(FATAL_ERROR "no such test:\n  ${shown}")
endif()
