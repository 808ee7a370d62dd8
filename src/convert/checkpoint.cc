// SPDX-License-Identifier: Apache-2.0
#include "convert/checkpoint.h"

#include "alref/error.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <numeric>
#include <utility>

#include "core/byte_reader.h"
#include "core/quote.h"
#include "ggml.h"

namespace alref::convert {
namespace {

template <typename T>
float load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<float>(value);
}

float element(ElementType type, const std::byte* at) {
  switch (type) {
    case ElementType::kF64:
      return load<double>(at);
    case ElementType::kF32:
      return load<float>(at);
    case ElementType::kF16: {
      ggml_fp16_t half;
      std::memcpy(&half, at, sizeof half);
      return ggml_fp16_to_fp32(half);
    }
    case ElementType::kBf16: {
      uint16_t upper;
      std::memcpy(&upper, at, sizeof upper);
      return std::bit_cast<float>(static_cast<uint32_t>(upper) << 16);
    }
    case ElementType::kI64:
      return load<int64_t>(at);
    case ElementType::kI32:
      return load<int32_t>(at);
    case ElementType::kI16:
      return load<int16_t>(at);
    case ElementType::kI8:
      return load<int8_t>(at);
    default:
      return load<uint8_t>(at);
  }
}

std::vector<int64_t> row_major_strides(std::span<const int64_t> shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

/// Dimensions of length 1 may have any stride.
bool is_row_major(const SourceTensor& tensor) {
  const auto natural = row_major_strides(tensor.shape);
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    if (tensor.shape[d] != 1 && tensor.strides[d] != natural[d]) return false;
  }
  return true;
}

}  // namespace

int64_t SourceTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

void SourceTensor::read(uint64_t begin, std::span<float> out) const {
  if (out.empty()) return;  // an empty tensor has no bytes to point to
  const size_t width = element_bytes(type);
  if (is_row_major(*this)) {
    const std::byte* at = storage.data() + (offset + begin) * width;
    if (type == ElementType::kF32) {
      std::memcpy(out.data(), at, out.size_bytes());
    } else {
      for (size_t i = 0; i < out.size(); ++i) out[i] = element(type, at + i * width);
    }
    return;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    uint64_t index = begin + i, place = offset;
    for (size_t d = shape.size(); d-- > 0;) {
      const auto length = static_cast<uint64_t>(shape[d]);
      place += index % length * static_cast<uint64_t>(strides[d]);
      index /= length;
    }
    out[i] = element(type, storage.data() + place * width);
  }
}

Checkpoint::Checkpoint(const std::filesystem::path& path) : file_(path, ErrorKind::kModel) {
  const auto bytes = file_.bytes();
  constexpr std::string_view kLegacy =
      "\x80\x02\x8a\x0a"
      "l\xfc\x9c"
      "F\xf9 j\xa8P\x19";  // its magic number, pickled
  if (TorchZip::looks_like_zip(bytes)) {
    read_torch_zip();
  } else if (bytes.size() >= kLegacy.size() &&
             std::memcmp(bytes.data(), kLegacy.data(), kLegacy.size()) == 0) {
    fail("is in PyTorch's format of before 1.6; load it with PyTorch and save it anew");
  } else if (bytes.size() >= 9 && bytes[8] == std::byte{'{'}) {
    tensors_ = read_safetensors(bytes, path.string());
  } else {
    fail("is neither a PyTorch checkpoint nor a safetensors file");
  }
  if (tensors_.empty()) fail("holds no tensors");
}

void Checkpoint::read_torch_zip() {
  zip_ = std::make_unique<TorchZip>(file_.bytes(), path().string());
  constexpr std::string_view kPickle = "/data.pkl";
  std::string folder;
  for (const auto& [name, entry] : zip_->entries()) {
    if (!name.ends_with(kPickle)) continue;
    if (!folder.empty()) fail("holds more than one data.pkl");
    folder = name.substr(0, name.size() - kPickle.size());
  }
  if (folder.empty()) fail("is a zip archive without data.pkl, not a PyTorch checkpoint");
  if (zip_->entries().count(folder + "/byteorder") > 0) {
    const auto order = zip_->read(folder + "/byteorder");
    if (std::string_view(reinterpret_cast<const char*>(order.data()), order.size()) != "little") {
      fail("has another byte order than little-endian");
    }
  }
  pickle_ = std::make_unique<Pickle>(zip_->read(folder + std::string(kPickle)), path().string());
  const PickleValue* state = root();
  for (const char* key : {"model", "state_dict"}) {
    if (const PickleValue* inner = root()->get(key);
        inner != nullptr && inner->as<PickleDict>() != nullptr) {
      state = inner;
      break;
    }
  }
  const auto* dict = state->as<PickleDict>();
  if (dict == nullptr) fail("holds no dictionary of tensors");
  add_tensors(*dict, folder);
}

void Checkpoint::add_tensors(const PickleDict& state, const std::string& folder) {
  constexpr std::string_view kWrapper = "module.";  // of torch.nn.DataParallel
  for (const auto& [key, value] : state) {
    const auto* name = key->as<std::string_view>();
    const auto* tensor = value->as<PickleTensor>();
    if (name == nullptr || tensor == nullptr) continue;
    const PickleStorage& storage = tensor->storage;
    const std::string entry = folder + "/data/" + std::string(storage.key);
    const auto found = zip_->entries().find(entry);
    const auto wanted = checked_multiply<uint64_t>(storage.elements, element_bytes(storage.type));
    if (found == zip_->entries().end())
      fail("tensor " + quote(*name) + ": no zip entry " + quote(entry));
    if (!wanted || found->second.data.size() != *wanted) {
      fail("tensor " + quote(*name) + ": zip entry " + quote(entry) + " has " +
           std::to_string(found->second.data.size()) + " bytes, expected " +
           std::to_string(storage.elements) + " elements of " + element_name(storage.type));
    }
    const std::string_view plain =
        name->starts_with(kWrapper) ? name->substr(kWrapper.size()) : *name;
    const SourceTensor source{storage.type,   tensor->shape,      tensor->strides,
                              tensor->offset, found->second.data, entry};
    if (!tensors_.emplace(plain, source).second) fail("tensor " + quote(plain) + " appears twice");
  }
}

void Checkpoint::verify(const SourceTensor& tensor) {
  if (zip_ && verified_.insert(tensor.entry).second) zip_->read(tensor.entry);
}

void Checkpoint::fail(const std::string& message) const {
  throw Error(ErrorKind::kModel, path().string() + ": " + message);
}

}  // namespace alref::convert
