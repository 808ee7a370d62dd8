// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cstdlib>
#include <span>
#include <vector>

#include "convert/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    for (const auto& [name, tensor] :
         alref::convert::read_safetensors(std::as_bytes(std::span(data, size)), "input")) {
      if (tensor.elements() < 0 || static_cast<size_t>(tensor.elements()) > size) std::abort();
      std::vector<float> values(static_cast<size_t>(tensor.elements()));
      tensor.read(0, values);
    }
  } catch (const alref::Error&) {
  }
  return 0;
}
