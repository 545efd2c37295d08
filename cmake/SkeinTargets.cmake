# The layers as CMake targets: each links only what stands before it, privately where its headers do not need it.

add_library(skein_options INTERFACE)
target_compile_options(skein_options INTERFACE -Wall -Wextra -Wno-unused-parameter)
if(SKEIN_SANITIZE)
  target_compile_options(skein_options INTERFACE -fsanitize=${SKEIN_SANITIZE} -fno-omit-frame-pointer)
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

# skein_test(NAME [LABELS ...] SOURCES ... LINK ...): a GoogleTest program run as one ctest.
function(skein_test name)
  cmake_parse_arguments(T "" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE skein_options ${T_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/include)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS "${T_LABELS}")
endfunction()
