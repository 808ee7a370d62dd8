# SPDX-License-Identifier: Apache-2.0
# How every target of ours is compiled, and how a test is added.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(PROJECT_IS_TOP_LEVEL)
  find_program(ALREF_CCACHE ccache)
  if(ALREF_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER "${ALREF_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${ALREF_CCACHE}")
  endif()
endif()

if(ALREF_SANITIZE)
  add_compile_options(-fsanitize=${ALREF_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ALREF_SANITIZE})
endif()

if(ALREF_CLANG_TIDY)
  find_program(ALREF_CLANG_TIDY_PROGRAM NAMES clang-tidy clang-tidy-14 REQUIRED)
endif()

# Warnings as errors, for our own code only.
function(alref_own_code target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror
    -Wno-missing-field-initializers)  # designated initialisers leave defaults out on purpose
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False alarms on std::string's operator+ (GCC bug 105651).
    target_compile_options(${target} PRIVATE -Wno-restrict)
    if(ALREF_SANITIZE)
      # And on std::regex and std::function with AddressSanitizer (GCC bug 105562).
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
  endif()
  if(ALREF_CLANG_TIDY)
    # It reads the compiler's own command line, and need not know all of GCC's warnings.
    set_target_properties(${target} PROPERTIES
      CXX_CLANG_TIDY "${ALREF_CLANG_TIDY_PROGRAM};--quiet;--extra-arg=-Wno-unknown-warning-option")
  endif()
endfunction()

# alref_add_library(NAME SOURCES ... LIBS ...): one folder of src/ as the static library alref_NAME.
# LIBS are what its headers may show to others; PRIVATE_LIBS stay inside.
function(alref_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;PRIVATE_LIBS" ${ARGN})
  add_library(alref_${name} STATIC ${ARG_SOURCES})
  target_include_directories(alref_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(alref_${name} PUBLIC ${ARG_LIBS} PRIVATE ${ARG_PRIVATE_LIBS})
  alref_own_code(alref_${name})
  set_property(GLOBAL APPEND PROPERTY ALREF_LIBRARIES alref_${name})
endfunction()

# alref_add_test(NAME SOURCES ... LIBS ...): a GoogleTest program, registered test by test with CTest.
function(alref_add_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_compile_definitions(${name} PRIVATE ALREF_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  alref_own_code(${name})
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT 600)
endfunction()
