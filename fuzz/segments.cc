// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cstdlib>
#include <sstream>

#include "api/read_segments.h"

// Input: JSON with segments of the video "v". What is read ascends and is not empty.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    std::istringstream in(std::string(data, data + size));
    const auto segments = alref::parse_segments(in, "input", "v");
    if (!segments) return 0;
    int next = 0;
    for (const auto& [begin, end] : *segments) {
      if (begin < next || end <= begin) std::abort();
      next = end;
    }
  } catch (const alref::Error&) {
  }
  return 0;
}
