# SPDX-License-Identifier: Apache-2.0
#
# Installs the behaviour tests, moves their folder elsewhere, and runs some from there; as root in a
# root directory that has nothing else but /proc, /dev, /run and /tmp: the folder is all they need.
#
#   cmake -DBUILD=build -DSCRATCH=dir -DFOLDER=libexec/nsgate -P install_tests.cmake

cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE ${SCRATCH})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix --component tests
                COMMAND_ERROR_IS_FATAL ANY)
file(MAKE_DIRECTORY ${SCRATCH}/root/proc ${SCRATCH}/root/dev ${SCRATCH}/root/run ${SCRATCH}/root/tmp)
file(RENAME ${SCRATCH}/prefix/${FOLDER} ${SCRATCH}/root/moved)
file(GLOB installed RELATIVE ${SCRATCH}/root/moved ${SCRATCH}/root/moved/*)
if(NOT installed STREQUAL "nsgate-enter-static;nsgate-tests;nsgate_helper")
  message(FATAL_ERROR "the folder holds ${installed}")
endif()

set(arguments --behaviour TR01,TR15,EX05,EX13,UN01,TH01,XD01)
execute_process(COMMAND id -u OUTPUT_VARIABLE uid OUTPUT_STRIP_TRAILING_WHITESPACE)
if(uid EQUAL 0)
  # Not chroot(1): in one, nobody makes user namespaces.
  file(MAKE_DIRECTORY ${SCRATCH}/root/old)
  execute_process(COMMAND unshare --mount sh -c
    "mount --bind '${SCRATCH}/root' '${SCRATCH}/root' && cd '${SCRATCH}/root' && chmod 1777 tmp &&
     mount --rbind /proc proc && mount --rbind /dev dev && pivot_root . old && cd / &&
     exec /moved/nsgate-tests \"$@\"" sh ${arguments} COMMAND_ERROR_IS_FATAL ANY)
else()
  execute_process(COMMAND ${SCRATCH}/root/moved/nsgate-tests ${arguments} COMMAND_ERROR_IS_FATAL ANY)
endif()
