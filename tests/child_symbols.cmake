# SPDX-License-Identifier: Apache-2.0
#
# Fails when an object file needs a symbol from anywhere.
#
#   cmake -DNM=nm -DOBJECT=child.cc.o -P child_symbols.cmake
#
# What runs between clone and exec may be a copy of one thread of many: another thread may have held
# any lock, malloc's included, and nobody is left to release it. It makes system calls, and no
# library function at all: the list of what is allowed is empty.

cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${NM} --format=posix ${OBJECT}
                OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
# An object without this is not the one that was meant.
if(NOT listing MATCHES "start_child[^\n]* T ")
  message(FATAL_ERROR "${OBJECT} does not define start_child: it is not what runs in the child")
endif()

# The table of offsets names no function.
string(REGEX MATCHALL "[^\n]+ U" needed "${listing}")
list(FILTER needed EXCLUDE REGEX "^_GLOBAL_OFFSET_TABLE_ ")
if(needed)
  list(JOIN needed ", " shown)
  message(FATAL_ERROR "${OBJECT} needs ${shown}: between clone and exec there are system calls and "
                      "nothing else (signal-safety(7)). Prepare it before the clone.")
endif()
