// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "compute/kernels/kernels.h"

namespace alref::compute::kernels {

struct Named {
  std::string name;
  const BlockKernels* kernels;
};

inline std::vector<Named> kernels_here() {
  std::vector<Named> all;
  const auto add = [&](const char* name, const BlockKernels* kernels) {
    if (kernels && (all.empty() || all.back().kernels != kernels)) all.push_back({name, kernels});
  };
  add("f32", block_kernels(Element::kF32));
  add("avx512_bf16", block_kernels(Element::kBf16, /*amx=*/false));
  add("amx_bf16", block_kernels(Element::kBf16));
  return all;
}

// Small whole numbers are exact in bf16, and so are their sums in f32: nothing is to be tolerated.
inline std::vector<float> whole_numbers(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> any(-8, 8);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = static_cast<float>(any(random));
  return values;
}

// On a cache line, and not a byte more than was asked for: AddressSanitizer sees what goes beyond.
// Every byte is 0xff, which is NaN in all element types.
class Memory {
 public:
  explicit Memory(size_t bytes)
      : bytes_(static_cast<std::byte*>(::operator new(bytes, std::align_val_t(64)))) {
    std::memset(data(), 0xff, bytes);
  }
  std::byte* data() { return bytes_.get(); }
  float* floats() { return reinterpret_cast<float*>(data()); }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  std::unique_ptr<std::byte, Free> bytes_;
};

inline std::vector<const void*> rows_of(const std::vector<float>& values, int64_t count,
                                        int64_t n) {
  std::vector<const void*> rows;
  for (int64_t i = 0; i < count; ++i) rows.push_back(values.data() + i * n);
  return rows;
}

inline float element(const BlockKernels& kernels, const std::byte* elements, int64_t i) {
  float value = 0;
  const size_t bytes = kernels.element_bytes;  // a bf16 is a float's upper half
  std::memcpy(reinterpret_cast<std::byte*>(&value) + sizeof(value) - bytes,
              elements + static_cast<size_t>(i) * bytes, bytes);
  return value;
}

}  // namespace alref::compute::kernels
