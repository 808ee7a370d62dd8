# SPDX-License-Identifier: Apache-2.0
# alref_embed(target name symbol file): gives the sources of `target` a header <name>_embedded.h with the bytes of `file` as
# `constexpr unsigned char <symbol>[]`. For files below a megabyte: it is text that the compiler reads.
# Run as a script (cmake -P) it writes that header.

if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${INPUT}" hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
  file(WRITE "${OUTPUT}" "#pragma once\nconstexpr unsigned char ${SYMBOL}[] = {\n${bytes}\n};\n")
  return()
endif()

function(alref_embed target name symbol file)
  set(header "${CMAKE_CURRENT_BINARY_DIR}/embedded/${name}_embedded.h")
  add_custom_command(OUTPUT "${header}"
    COMMAND ${CMAKE_COMMAND} -DINPUT=${file} -DOUTPUT=${header} -DSYMBOL=${symbol}
            -P "${PROJECT_SOURCE_DIR}/cmake/AlrefEmbed.cmake"
    DEPENDS "${file}" "${PROJECT_SOURCE_DIR}/cmake/AlrefEmbed.cmake"
    VERBATIM)
  target_sources(${target} PRIVATE "${header}")
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/embedded")
endfunction()
