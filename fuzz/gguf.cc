// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cstdlib>
#include <span>
#include <vector>

#include "compute/gguf_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using alref::compute::GgufFile;
  try {
    const auto file = GgufFile::open_memory(std::as_bytes(std::span(data, size)), "input");
    for (const auto& tensor : file->tensors()) {
      // Reads all bytes that are handed out; the sanitizer watches.
      const auto bytes = file->data(tensor);
      if (std::vector<std::byte>(bytes.begin(), bytes.end()).size() != tensor.bytes) std::abort();
      if (tensor.elements() < 0) std::abort();
      if (file->find(tensor.name) != &tensor) std::abort();
    }
    for (const auto key : file->keys()) {
      if (!file->has(key)) std::abort();
      file->display(key);
      try {
        file->integers(key);
        file->texts(key);
        file->integer(key);
      } catch (const alref::Error&) {
      }
    }
  } catch (const alref::Error&) {
  }
  return 0;
}
