// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cstdlib>
#include <span>

#include "convert/unpickler.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace alref::convert;
  try {
    const Pickle pickle(std::as_bytes(std::span(data, size)), "input");
    pickle.root().get("model");
    if (const auto* dict = pickle.root().as<PickleDict>()) {
      for (const auto& [key, value] : *dict) {
        const auto* tensor = value->as<PickleTensor>();
        if (tensor == nullptr) continue;
        // What a tensor reaches lies in its storage.
        uint64_t last = tensor->offset, count = 1;
        for (size_t d = 0; d < tensor->shape.size(); ++d) {
          count *= static_cast<uint64_t>(tensor->shape[d]);
          if (tensor->shape[d] > 0)
            last += static_cast<uint64_t>((tensor->shape[d] - 1) * tensor->strides[d]);
        }
        if (count > 0 && last >= tensor->storage.elements) std::abort();
      }
    }
  } catch (const alref::Error&) {
  }
  return 0;
}
