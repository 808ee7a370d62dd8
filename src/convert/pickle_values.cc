// SPDX-License-Identifier: Apache-2.0
#include "convert/unpickler.h"

namespace alref::convert {

size_t element_bytes(ElementType type) {
  switch (type) {
    case ElementType::kF64:
    case ElementType::kI64:
      return 8;
    case ElementType::kF32:
    case ElementType::kI32:
      return 4;
    case ElementType::kF16:
    case ElementType::kBf16:
    case ElementType::kI16:
      return 2;
    default:
      return 1;
  }
}

const char* element_name(ElementType type) {
  constexpr const char* kNames[] = {"f64", "f32", "f16", "bf16", "i64",
                                    "i32", "i16", "i8",  "u8",   "bool"};
  return kNames[static_cast<size_t>(type)];
}

const PickleValue* PickleValue::get(std::string_view key) const {
  const auto* dict = as<PickleDict>();
  if (dict == nullptr) return nullptr;
  for (const auto& [name, value] : *dict) {
    const auto* text = name->as<std::string_view>();
    if (text != nullptr && *text == key) return value;
  }
  return nullptr;
}

bool PickleTensor::lies_within_storage() const {
  const uint64_t elements = storage.elements;
  if (offset > elements) return false;
  uint64_t count = 1, last = offset;
  for (size_t d = 0; d < shape.size(); ++d) {
    const auto length = static_cast<uint64_t>(shape[d]);
    const auto stride = static_cast<uint64_t>(strides[d]);
    if (length == 0) return true;
    if (count > elements / length) return false;
    count *= length;
    if (length > 1 && stride > (elements - last) / (length - 1)) return false;
    last += (length - 1) * stride;
  }
  return last < elements;
}

}  // namespace alref::convert
