// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "convert/unpickler.h"

namespace alref::convert {

/// What calling a listed name makes.
enum class Makes { kStorageType, kTensor, kParameter, kDict, kItself, kObject, kAttribute };

struct Global {
  std::string_view module;
  std::string_view name;
  Makes makes;
  ElementType type = ElementType::kF32;  // of a storage
};

/// All that a checkpoint may name. Classes that make "objects" are only remembered with their
/// arguments.
inline constexpr Global kGlobals[] = {
    {"torch", "DoubleStorage", Makes::kStorageType, ElementType::kF64},
    {"torch", "FloatStorage", Makes::kStorageType, ElementType::kF32},
    {"torch", "HalfStorage", Makes::kStorageType, ElementType::kF16},
    {"torch", "BFloat16Storage", Makes::kStorageType, ElementType::kBf16},
    {"torch", "LongStorage", Makes::kStorageType, ElementType::kI64},
    {"torch", "IntStorage", Makes::kStorageType, ElementType::kI32},
    {"torch", "ShortStorage", Makes::kStorageType, ElementType::kI16},
    {"torch", "CharStorage", Makes::kStorageType, ElementType::kI8},
    {"torch", "ByteStorage", Makes::kStorageType, ElementType::kU8},
    {"torch", "BoolStorage", Makes::kStorageType, ElementType::kBool},
    {"torch._utils", "_rebuild_tensor_v2", Makes::kTensor},
    {"torch._utils", "_rebuild_parameter", Makes::kParameter},
    {"collections", "OrderedDict", Makes::kDict},
    {"torch", "Size", Makes::kItself},
    {"_codecs", "encode", Makes::kItself},
    {"__builtin__", "set", Makes::kItself},
    {"builtins", "set", Makes::kItself},
    {"argparse", "Namespace", Makes::kObject},
    {"torch", "device", Makes::kObject},
    {"pathlib", "PosixPath", Makes::kObject},
    {"numpy", "dtype", Makes::kObject},
    {"numpy.core.multiarray", "scalar", Makes::kObject},
    {"numpy._core.multiarray", "scalar", Makes::kObject},
    {"torch", "float32", Makes::kAttribute},
    {"torch", "float16", Makes::kAttribute},
    {"torch", "bfloat16", Makes::kAttribute},
    {"torch", "int64", Makes::kAttribute},
};

}  // namespace alref::convert
