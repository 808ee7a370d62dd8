# SPDX-License-Identifier: Apache-2.0
# Libraries that are not ours. ggml is built with the project; the rest are Debian packages.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
if(ALREF_OPENMP)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
endif()

# --- Vulkan: what ggml's backend wants, said in one line ---
if(ALREF_VULKAN)
  find_package(Vulkan QUIET COMPONENTS glslc)
  find_package(SPIRV-Headers CONFIG QUIET)
  if(NOT Vulkan_FOUND OR NOT Vulkan_glslc_FOUND OR NOT SPIRV-Headers_FOUND)
    message(FATAL_ERROR "ALREF_VULKAN needs Vulkan's headers and loader, glslc and SPIR-V's headers (Debian: libvulkan-dev glslc spirv-headers).")
  endif()
  file(STRINGS "${Vulkan_INCLUDE_DIR}/vulkan/vulkan_core.h" ALREF_VULKAN_LAYER_SETTINGS REGEX "define VK_EXT_layer_settings ")
  if(NOT ALREF_VULKAN_LAYER_SETTINGS)
    message(FATAL_ERROR "ggml needs Vulkan's headers with VK_EXT_layer_settings, and those in ${Vulkan_INCLUDE_DIR} are older (Debian 12's are; unpack Debian 13's libvulkan-dev and pass -DVulkan_INCLUDE_DIR=DIR).")
  endif()
endif()

# --- ggml ---
if(NOT ALREF_GGML_DIR)
  if(DEFINED ENV{ALREF_GGML_DIR} AND NOT "$ENV{ALREF_GGML_DIR}" STREQUAL "")
    set(ALREF_GGML_DIR "$ENV{ALREF_GGML_DIR}" CACHE PATH "" FORCE)
  else()
    set(ALREF_GGML_DIR "${PROJECT_SOURCE_DIR}/third_party/ggml")
  endif()
endif()
if(NOT EXISTS "${ALREF_GGML_DIR}/include/ggml.h")
  message(FATAL_ERROR "No ggml source tree in '${ALREF_GGML_DIR}'. Run tools/setup.sh, or pass -DALREF_GGML_DIR=DIR.")
endif()

set(BUILD_SHARED_LIBS_SAVED "${BUILD_SHARED_LIBS}")
set(BUILD_SHARED_LIBS OFF)
set(GGML_BUILD_TESTS OFF)
set(GGML_BUILD_EXAMPLES OFF)
set(GGML_LLAMAFILE ON CACHE BOOL "" FORCE)
set(GGML_CCACHE OFF CACHE BOOL "" FORCE)
set(GGML_OPENMP ${ALREF_OPENMP} CACHE BOOL "" FORCE)
set(GGML_CUDA ${ALREF_CUDA} CACHE BOOL "" FORCE)
set(GGML_VULKAN ${ALREF_VULKAN} CACHE BOOL "" FORCE)
set(GGML_METAL ${ALREF_METAL} CACHE BOOL "" FORCE)
# Official tensor names are longer than ggml's 63 characters; the limit is part of ggml_tensor's layout, so that
# everyone who includes ggml.h must see the same one.
add_compile_definitions(GGML_MAX_NAME=128)
add_subdirectory("${ALREF_GGML_DIR}" "${CMAKE_BINARY_DIR}/ggml" EXCLUDE_FROM_ALL SYSTEM)
set(BUILD_SHARED_LIBS "${BUILD_SHARED_LIBS_SAVED}")
# GCC 12 warns of its own AVX-512 header when it inlines it (GCC bug 105593).
target_compile_options(ggml-cpu PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized)

# --- oneDNN ---
# Debian's dnnl-config.cmake insists on OpenCL, which the CPU engine does not need: find library and header ourselves.
if(ALREF_ONEDNN)
  find_path(ALREF_DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
  find_library(ALREF_DNNL_LIBRARY dnnl)
  if(NOT ALREF_DNNL_INCLUDE_DIR OR NOT ALREF_DNNL_LIBRARY)
    message(FATAL_ERROR "oneDNN was not found (Debian: libdnnl-dev). Install it, or configure with -DALREF_ONEDNN=OFF.")
  endif()
  add_library(DNNL::dnnl UNKNOWN IMPORTED)
  set_target_properties(DNNL::dnnl PROPERTIES
    IMPORTED_LOCATION "${ALREF_DNNL_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${ALREF_DNNL_INCLUDE_DIR}")
endif()

# --- Debian packages ---
pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libavfilter libswscale libswresample)
pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libjpeg)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
if(ALREF_TESTS)
  find_package(GTest REQUIRED)
endif()
