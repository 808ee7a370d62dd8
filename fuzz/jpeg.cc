// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cstdlib>

#include "media/image_io.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const alref::Image image = alref::media::decode_jpeg({data, size}, "input", 1 << 16);
    if (image.pixels.size() != size_t{3} * image.width * image.height) std::abort();
  } catch (const alref::Error&) {
  }
  return 0;
}
