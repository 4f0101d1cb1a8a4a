# SPDX-License-Identifier: Apache-2.0
#
# Installs nsgate, and builds and runs a program of someone else's against it: by find_package, and by
# pkg-config.
#
#   cmake -DBUILD=build -DSCRATCH=dir -DCXX=g++ -P install.cmake

cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY OUTPUT_VARIABLE said
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(said "${said}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
set(prefix ${SCRATCH}/prefix)
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})

run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${SCRATCH}/build
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_PREFIX_PATH=${prefix})
run(${CMAKE_COMMAND} --build ${SCRATCH}/build)
run(${SCRATCH}/build/consumer)

# The file says where it was configured to be installed; pkg-config is told where it is.
file(GLOB_RECURSE pc ${prefix}/nsgate.pc)
cmake_path(GET pc PARENT_PATH directory)
set(ENV{PKG_CONFIG_PATH} ${directory})
run(pkg-config --define-variable=prefix=${prefix} --cflags --libs nsgate)
separate_arguments(flags UNIX_COMMAND "${said}")
run(${CXX} -std=c++23 ${CMAKE_CURRENT_LIST_DIR}/consumer/main.cc -o ${SCRATCH}/by_pkg_config
    ${flags})
run(${SCRATCH}/by_pkg_config)

run(${prefix}/bin/nsgate-enter --version)
