# The layers as CMake targets: each links only what stands before it, privately where its headers do not need it.

add_library(skein_options INTERFACE)
target_compile_options(skein_options INTERFACE -Wall -Wextra -Wno-unused-parameter)
if(SKEIN_SANITIZE)
  # Compiled programs are functions without the mark that -fsanitize=function looks for before each.
  target_compile_options(skein_options INTERFACE -fsanitize=${SKEIN_SANITIZE} -fno-sanitize=function -fno-omit-frame-pointer)
  target_link_options(skein_options INTERFACE -fsanitize=${SKEIN_SANITIZE})
endif()

# skein_library(NAME SOURCES... ): a static layer of the tree.
function(skein_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PRIVATE skein_options)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${CMAKE_BINARY_DIR}/include)
endfunction()

# skein_use_mlir(NAME): MLIR's headers and shared libraries, never through a public header.
function(skein_use_mlir name)
  target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_link_libraries(${name} PUBLIC MLIR LLVM)
  target_compile_options(${name} PRIVATE -Wno-deprecated-declarations)
endfunction()

# skein_register(NAME PROGRAM [LABELS ...] [ENVIRONMENT ...] [ARGUMENTS ...]): PROGRAM as a ctest, with a folder of its own for
# temporary files, since tests run side by side. One program may be registered several times.
function(skein_register name program)
  cmake_parse_arguments(T "" "" "LABELS;ENVIRONMENT;ARGUMENTS" ${ARGN})
  set(scratch ${CMAKE_CURRENT_BINARY_DIR}/scratch/${name})
  file(MAKE_DIRECTORY ${scratch})
  add_test(NAME ${name} COMMAND ${program} ${T_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS "${T_LABELS}" ENVIRONMENT "TEST_TMPDIR=${scratch};${T_ENVIRONMENT}")
endfunction()

# skein_emulated(NAME PROGRAM GPUS n [LABELS ...] [ENVIRONMENT ...] [ARGUMENTS ...]): PROGRAM as a ctest on so many emulated GPUs.
# Blocks and threads run in a random order there, which brings out races.
set(SKEIN_EMULATED_ENVIRONMENT "SKEIN_PLATFORM=emulated;SKEIN_EMULATED_SEED=20261125;SKEIN_EMULATED_DRIVER=${CMAKE_BINARY_DIR}/lib/libskein_emulated.so")
function(skein_emulated name program)
  cmake_parse_arguments(T "" "GPUS" "LABELS;ENVIRONMENT;ARGUMENTS" ${ARGN})
  skein_register(${name} ${program} LABELS emulated ${T_LABELS} ARGUMENTS ${T_ARGUMENTS}
    ENVIRONMENT "${SKEIN_EMULATED_ENVIRONMENT}" "SKEIN_EMULATED_GPUS=${T_GPUS}" ${T_ENVIRONMENT})
endfunction()

# skein_test(NAME SOURCES ... LINK ... [LABELS ...] [ENVIRONMENT ...]): a GoogleTest program run as one ctest.
function(skein_test name)
  cmake_parse_arguments(T "" "" "SOURCES;LINK;LABELS;ENVIRONMENT" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE skein_options ${T_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/include)
  skein_register(${name} ${name} LABELS ${T_LABELS} ENVIRONMENT ${T_ENVIRONMENT})
endfunction()

# skein_mpi_test(NAME PROGRAM PROCESSES n [DEVICES n | GPUS n] [LABELS ...] [ENVIRONMENT ...] [ARGUMENTS ...]): PROGRAM as a ctest in so many
# processes, started by mpirun, with so many devices each.
find_program(SKEIN_MPIRUN mpirun)
# MPI keeps memory to its end, which is no leak of ours.
set(SKEIN_MPI_ENVIRONMENT "ASAN_OPTIONS=detect_leaks=0:allow_user_poisoning=0")
function(skein_mpi_test name program)
  cmake_parse_arguments(T "" "PROCESSES;DEVICES;GPUS" "LABELS;ENVIRONMENT;ARGUMENTS" ${ARGN})
  if(NOT TARGET skein_mpi OR NOT SKEIN_MPIRUN)
    return()
  endif()
  if(NOT T_DEVICES)
    set(T_DEVICES 1)
  endif()
  set(devices "SKEIN_CPU_DEVICES=${T_DEVICES}")
  if(T_GPUS)
    set(devices "${SKEIN_EMULATED_ENVIRONMENT};SKEIN_EMULATED_GPUS=${T_GPUS}")
    list(APPEND T_LABELS emulated)
  endif()
  set(scratch ${CMAKE_CURRENT_BINARY_DIR}/scratch/${name})
  file(MAKE_DIRECTORY ${scratch})
  add_test(NAME ${name} COMMAND ${SKEIN_MPIRUN} --allow-run-as-root --oversubscribe -n ${T_PROCESSES} $<TARGET_FILE:${program}> ${T_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "mpi;${T_LABELS}" PROCESSORS 2
    ENVIRONMENT "TEST_TMPDIR=${scratch};${devices};SKEIN_MPI_PLUGIN=$<TARGET_FILE:skein_mpi>;${SKEIN_MPI_ENVIRONMENT};${T_ENVIRONMENT}")
endfunction()
