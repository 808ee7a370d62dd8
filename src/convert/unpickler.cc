// SPDX-License-Identifier: Apache-2.0
// The format: Python's Lib/pickletools.py; what torch.save writes: torch/serialization.py,
// torch/_tensor.py.
#include "convert/unpickler.h"

#include "alref/error.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "convert/pickle_globals.h"
#include "core/byte_reader.h"
#include "core/quote.h"

namespace alref::convert {
namespace {

// Limits beyond all checkpoints (GroundingDINO's makes 30,000 values); a value takes about 100
// bytes.
constexpr size_t kMaxBytes = 64u << 20;
constexpr size_t kMaxValues = 1u << 20;
constexpr size_t kMaxMarks = 1000;
constexpr size_t kMaxDims = 8;

enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kBinFloat = 'G',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinUnicode = 'X',
  kEmptyList = ']',
  kAppend = 'a',
  kAppends = 'e',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kEmptyDict = '}',
  kSetItem = 's',
  kSetItems = 'u',
  kGlobal = 'c',
  kReduce = 'R',
  kBuild = 'b',
  kNewObj = 0x81,
  kBinPersId = 'Q',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kProto = 0x80,
};

}  // namespace

/// The pickle machine: a stack of values, marks into it, and a memo.
class Unpickler {
 public:
  Unpickler(Pickle& pickle, std::span<const std::byte> bytes, std::string source)
      : pickle_(pickle), in_(bytes, std::move(source), ErrorKind::kModel) {}

  void run() {
    if (in_.left() > kMaxBytes) {
      fail("has " + std::to_string(in_.left()) + " bytes, expected at most " +
           std::to_string(kMaxBytes));
    }
    for (;;) {
      const auto opcode = in_.read<uint8_t>("an opcode");
      if (opcode == kStop) break;
      step(opcode);
    }
    if (stack_.size() != 1 || !marks_.empty()) fail("does not end with one value");
    pickle_.root_ = stack_[0];
  }

 private:
  using Value = PickleValue;

  [[noreturn]] void fail(const std::string& message) const { in_.fail("pickle: " + message); }

  Value* push(Value value) {
    if (pickle_.values_.size() >= kMaxValues)
      fail("makes more than " + std::to_string(kMaxValues) + " values");
    pickle_.values_.push_back(std::move(value));
    stack_.push_back(&pickle_.values_.back());
    return stack_.back();
  }

  void push_again(Value* value) {
    if (stack_.size() >= kMaxValues)
      fail("its stack holds more than " + std::to_string(kMaxValues) + " values");
    stack_.push_back(value);
  }

  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  Value* pop() {
    if (stack_.size() <= floor())
      fail("takes a value from an empty stack at byte " + std::to_string(in_.position()));
    Value* value = stack_.back();
    stack_.pop_back();
    return value;
  }

  Value* top() {
    Value* value = pop();
    stack_.push_back(value);
    return value;
  }

  PickleItems pop_to_mark() {
    if (marks_.empty()) fail("lacks a mark at byte " + std::to_string(in_.position()));
    PickleItems items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }

  void push_tuple(size_t count) {
    PickleItems items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push({Value::Tuple{std::move(items)}});
  }

  template <typename T>
  T* target(const char* what) {
    T* into = std::get_if<T>(&top()->data);
    if (into == nullptr) fail(std::string("adds to what is not ") + what);
    return into;
  }

  void step(uint8_t opcode) {
    switch (opcode) {
      case kProto:
        if (const auto version = in_.read<uint8_t>("the protocol"); version != 2) {
          fail("has protocol " + std::to_string(version) + ", expected 2");
        }
        return;
      case kMark:
        if (marks_.size() >= kMaxMarks) fail("is nested deeper than " + std::to_string(kMaxMarks));
        marks_.push_back(stack_.size());
        return;
      case kNone:
        push({Value::None{}});
        return;
      case kNewTrue:
      case kNewFalse:
        push({opcode == kNewTrue});
        return;
      case kBinInt:
        push({int64_t{in_.read<int32_t>("an integer")}});
        return;
      case kBinInt1:
        push({int64_t{in_.read<uint8_t>("an integer")}});
        return;
      case kBinInt2:
        push({int64_t{in_.read<uint16_t>("an integer")}});
        return;
      case kLong1:
        push({read_long()});
        return;
      case kBinFloat:
        push({read_big_endian_double()});
        return;
      case kBinUnicode:
        push({in_.text(in_.read<uint32_t>("a text"), "a text")});
        return;
      case kEmptyList:
        push({Value::List{}});
        return;
      case kEmptyDict:
        push({PickleDict{}});
        return;
      case kEmptyTuple:
        push_tuple(0);
        return;
      case kTuple1:
        push_tuple(1);
        return;
      case kTuple2:
        push_tuple(2);
        return;
      case kTuple3:
        push_tuple(3);
        return;
      case kTuple:
        push({Value::Tuple{pop_to_mark()}});
        return;
      case kAppend: {
        const Value* item = pop();
        target<Value::List>("a list")->push_back(item);
        return;
      }
      case kAppends: {
        const PickleItems items = pop_to_mark();
        auto* list = target<Value::List>("a list");
        list->insert(list->end(), items.begin(), items.end());
        return;
      }
      case kSetItem: {
        const Value* value = pop();
        const Value* key = pop();
        target<PickleDict>("a dictionary")->emplace_back(key, value);
        return;
      }
      case kSetItems: {
        const PickleItems items = pop_to_mark();
        if (items.size() % 2 != 0) fail("sets a key without a value");
        auto* dict = target<PickleDict>("a dictionary");
        for (size_t i = 0; i < items.size(); i += 2) dict->emplace_back(items[i], items[i + 1]);
        return;
      }
      case kGlobal:
        read_global();
        return;
      case kReduce:
      case kNewObj: {
        const Value* arguments = pop();
        const Value* function = pop();
        construct(function, arguments);
        return;
      }
      case kBuild: {
        const Value* state = pop();
        // A dictionary's own attributes (state_dict's _metadata) are of no use here.
        if (auto* object = std::get_if<PickleObject>(&top()->data)) object->state = state;
        return;
      }
      case kBinPersId:
        push_storage(pop());
        return;
      case kBinPut:
        memo_[in_.read<uint8_t>("a memo index")] = top();
        return;
      case kLongBinPut:
        memo_[in_.read<uint32_t>("a memo index")] = top();
        return;
      case kBinGet:
        recall(in_.read<uint8_t>("a memo index"));
        return;
      case kLongBinGet:
        recall(in_.read<uint32_t>("a memo index"));
        return;
      default:
        fail("opcode " + std::to_string(opcode) + " at byte " + std::to_string(in_.position() - 1) +
             " is none of those that torch.save writes");
    }
  }

  int64_t read_long() {
    const auto size = in_.read<uint8_t>("a long integer");
    const auto bytes = in_.take(size, "a long integer");
    if (size > 8) fail("has an integer of " + std::to_string(size) + " bytes, expected at most 8");
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
    if (size > 0 && size < 8 && std::to_integer<uint8_t>(bytes[size - 1]) >= 0x80) {
      value |= ~uint64_t{0} << (8 * size);  // two's complement
    }
    return static_cast<int64_t>(value);
  }

  double read_big_endian_double() {
    const auto bytes = in_.take(8, "a number");
    uint64_t bits = 0;
    for (const std::byte b : bytes) bits = bits << 8 | std::to_integer<uint64_t>(b);
    return std::bit_cast<double>(bits);
  }

  void recall(uint32_t index) {
    const auto at = memo_.find(index);
    if (at == memo_.end()) fail("recalls memo " + std::to_string(index) + ", which was never put");
    push_again(at->second);
  }

  void read_global() {
    const std::string_view module = in_.line("a module's name");
    const std::string_view name = in_.line("a global's name");
    const auto known = std::find_if(std::begin(kGlobals), std::end(kGlobals), [&](const Global& g) {
      return g.module == module && g.name == name;
    });
    if (known == std::end(kGlobals)) {
      fail("refers to " + quote(std::string(module) + "." + std::string(name)) +
           ", which is not among the names that a checkpoint needs; nothing was run");
    }
    push({PickleGlobal{static_cast<int>(known - std::begin(kGlobals))}});
  }

  static const Global* global_of(const Value* value) {
    const auto* global = value->as<PickleGlobal>();
    return global != nullptr ? &kGlobals[global->index] : nullptr;
  }

  /// What calling a listed name with these arguments would give.
  void construct(const Value* function, const Value* arguments) {
    const Global* global = global_of(function);
    const auto* tuple = arguments->as<Value::Tuple>();
    if (global == nullptr || tuple == nullptr) {
      fail("calls what is not a function, at byte " + std::to_string(in_.position()));
    }
    const auto& items = *tuple;
    switch (global->makes) {
      case Makes::kTensor:
        push_tensor(items);
        return;
      case Makes::kParameter:
      case Makes::kItself:
        if (items.empty()) {
          push({Value::Tuple{}});
        } else {
          // The same value, not a copy: copies of one long list could fill the memory.
          push_again(const_cast<Value*>(items[0]));
        }
        return;
      case Makes::kDict:
        if (!items.empty())
          fail("makes an OrderedDict of " + std::to_string(items.size()) +
               " arguments, expected 0");
        push({PickleDict{}});
        return;
      case Makes::kObject:
        push({PickleObject{global->name, arguments, nullptr}});
        return;
      case Makes::kStorageType:
      case Makes::kAttribute:
        fail("calls " + quote(global->name) + ", which is not a function");
    }
  }

  /// Persistent ids are ("storage", type, key, location, number of elements).
  void push_storage(const Value* id) {
    const auto* tuple = id->as<Value::Tuple>();
    if (tuple == nullptr || tuple->size() != 5) fail("has a persistent id that is not a storage");
    const auto* kind = (*tuple)[0]->as<std::string_view>();
    const Global* type = global_of((*tuple)[1]);
    const auto* key = (*tuple)[2]->as<std::string_view>();
    const auto* elements = (*tuple)[4]->as<int64_t>();
    if (kind == nullptr || *kind != "storage" || type == nullptr ||
        type->makes != Makes::kStorageType || key == nullptr || elements == nullptr ||
        *elements < 0) {
      fail("has a persistent id that is not a storage");
    }
    push({PickleStorage{type->type, *key, static_cast<uint64_t>(*elements)}});
  }

  std::vector<int64_t> lengths(const Value* value, const char* what) const {
    const auto* tuple = value->as<Value::Tuple>();
    if (tuple == nullptr || tuple->size() > kMaxDims) {
      fail(std::string("a tensor's ") + what + " is not a tuple of at most " +
           std::to_string(kMaxDims));
    }
    std::vector<int64_t> out;
    for (const Value* item : *tuple) {
      const auto* number = item->as<int64_t>();
      if (number == nullptr || *number < 0)
        fail(std::string("a tensor's ") + what + " has a bad length");
      out.push_back(*number);
    }
    return out;
  }

  /// _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks): all within the
  /// storage.
  void push_tensor(const PickleItems& items) {
    if (items.size() < 4)
      fail("makes a tensor of " + std::to_string(items.size()) + " arguments, expected 6");
    const auto* storage = items[0]->as<PickleStorage>();
    const auto* offset = items[1]->as<int64_t>();
    if (storage == nullptr || offset == nullptr || *offset < 0)
      fail("makes a tensor of what is not a storage");
    PickleTensor tensor{*storage, static_cast<uint64_t>(*offset), lengths(items[2], "shape"),
                        lengths(items[3], "strides")};
    if (tensor.shape.size() != tensor.strides.size())
      fail("a tensor has not one stride a dimension");
    if (!tensor.lies_within_storage()) {
      fail("a tensor reaches beyond its storage " + quote(storage->key) + " of " +
           std::to_string(storage->elements) + " elements");
    }
    push({std::move(tensor)});
  }

  Pickle& pickle_;
  ByteReader in_;
  std::vector<Value*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, Value*> memo_;
};

Pickle::Pickle(std::span<const std::byte> bytes, std::string source) {
  Unpickler(*this, bytes, std::move(source)).run();
}

}  // namespace alref::convert
