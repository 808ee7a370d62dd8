// SPDX-License-Identifier: Apache-2.0
#include "convert/torch_zip.h"

#include "alref/error.h"

#include <span>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const alref::convert::TorchZip zip(std::as_bytes(std::span(data, size)), "input");
    for (const auto& [name, entry] : zip.entries()) {
      try {
        zip.read(name);  // its checksum covers all its bytes
      } catch (const alref::Error&) {
      }
    }
  } catch (const alref::Error&) {
  }
  return 0;
}
