// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cstdlib>

#include "outputs/coco_rle.h"

// Input: height, width (a byte each), the text of the runs. What can be read comes back from
// writing it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  alref::outputs::Rle rle{data[0], data[1], std::string(data + 2, data + size)};
  try {
    const alref::Mask mask = alref::outputs::decode_rle(rle);
    if (mask.width != rle.width || mask.height != rle.height) std::abort();
    if (alref::outputs::decode_rle(alref::outputs::encode_rle(mask)) != mask) std::abort();
  } catch (const alref::Error&) {
  }
  return 0;
}
