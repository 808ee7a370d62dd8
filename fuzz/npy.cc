// SPDX-License-Identifier: Apache-2.0
#include "outputs/npy.h"

#include "alref/error.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const alref::FloatMap map = alref::outputs::decode_npy({data, size}, "input");
    if (map.values.size() != size_t{1} * map.width * map.height) std::abort();
  } catch (const alref::Error&) {
  }
  return 0;
}
