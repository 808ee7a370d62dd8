// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace alref::convert {

/// Types of a tensor's elements in checkpoints.
enum class ElementType { kF64, kF32, kF16, kBf16, kI64, kI32, kI16, kI8, kU8, kBool };

size_t element_bytes(ElementType type);
const char* element_name(ElementType type);

struct PickleValue;
using PickleItems = std::vector<const PickleValue*>;
using PickleDict = std::vector<std::pair<const PickleValue*, const PickleValue*>>;

/// A numbered block of elements that tensors look into.
struct PickleStorage {
  ElementType type = ElementType::kF32;
  std::string_view key;  ///< names the file "data/<key>"
  uint64_t elements = 0;
};

struct PickleTensor {
  PickleStorage storage;
  uint64_t offset = 0;  ///< in elements
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  ///< in elements

  /// Whether all elements lie in the storage, and are no more than it has: else a small file could
  /// ask for much memory.
  bool lies_within_storage() const;
};

/// An object of a listed class that is kept for what it holds, such as argparse.Namespace; nothing
/// of it runs.
struct PickleObject {
  std::string_view type;
  const PickleValue* arguments = nullptr;
  const PickleValue* state = nullptr;
};

/// One of the names that a pickle may refer to; which ones are listed in pickle_globals.h.
struct PickleGlobal {
  int index = 0;
};

struct PickleValue {
  struct None {};
  struct List : PickleItems {};
  struct Tuple : PickleItems {};
  std::variant<None, bool, int64_t, double, std::string_view, List, Tuple, PickleDict, PickleGlobal,
               PickleStorage, PickleTensor, PickleObject>
      data;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  /// The value of a dictionary's text key, or null.
  const PickleValue* get(std::string_view key) const;
};

/// Reads what torch.save pickles (protocol 2) into plain values.
///
/// A pickle is a program that may call any function of Python. Here it can not: only the opcodes
/// that torch.save writes are known, and only a fixed list of names, each of which makes a plain
/// value; nothing is ever imported or called. Sizes, depth and the number of values are bounded.
/// Anything else is an error that names the opcode or the name. Texts point into the bytes given,
/// which must outlive the values.
class Pickle {
 public:
  /// Throws Error(kModel), with `source` in the message.
  Pickle(std::span<const std::byte> bytes, std::string source);

  const PickleValue& root() const { return *root_; }

  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

 private:
  friend class Unpickler;
  std::deque<PickleValue> values_;  // owns all; cycles are harmless
  const PickleValue* root_ = nullptr;
};

}  // namespace alref::convert
