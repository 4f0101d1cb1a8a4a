# SPDX-License-Identifier: Apache-2.0
#
# Fails when an object file uses a symbol that is not async-signal-safe.
#
#   cmake -DNM=nm -DOBJECT=child.cc.o -P child_symbols.cmake
#
# What runs between clone and exec may be a copy of one thread of many: another thread may have held
# any lock, malloc's included, and nobody is left to release it.

cmake_minimum_required(VERSION 3.25)

set(allowed
  # signal-safety(7)
  _exit dup2 execve sigaction sigemptyset sigprocmask write
  # Bare system calls, which glibc wraps without a lock.
  close_range dup3 setns
  # The thread's own errno, and what compilers emit by themselves.
  __errno_location _GLOBAL_OFFSET_TABLE_ __stack_chk_fail memcpy memset
  # noexcept: the tables name the routine and the end, which only an exception would reach.
  __cxa_begin_catch __gxx_personality_v0 _ZSt9terminatev)

execute_process(COMMAND ${NM} --undefined-only --format=posix ${OBJECT}
                OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" lines "${listing}")
set(symbols "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE "[ @].*" "" symbol "${line}")
  list(APPEND symbols ${symbol})
endforeach()

# An object without these is not the one that was meant.
foreach(symbol IN ITEMS execve setns)
  if(NOT symbol IN_LIST symbols)
    message(FATAL_ERROR "${OBJECT} does not call ${symbol}: it is not what runs in the child")
  endif()
endforeach()

list(REMOVE_ITEM symbols ${allowed})
if(symbols)
  list(JOIN symbols ", " shown)
  message(FATAL_ERROR "${OBJECT} calls ${shown}: only what is async-signal-safe may run between "
                      "clone and exec (signal-safety(7)). Prepare it before the clone.")
endif()
