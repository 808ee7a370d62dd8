// SPDX-License-Identifier: Apache-2.0
#include "compute/gguf_reader.h"

#include "alref/error.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>

#include "compute/gguf_format.h"
#include "core/byte_reader.h"
#include "core/quote.h"

namespace alref::compute {
namespace {

/// Names and keys are printed in messages and compared with ours: printable ASCII, not empty.
bool is_plain_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string_view read_string(ByteReader& in, std::string_view what) {
  return in.text(in.read<uint64_t>(what), what);
}

std::string expected_got(const std::string& what, uint64_t got, const std::string& expected) {
  return what + " is " + std::to_string(got) + ", expected " + expected;
}

}  // namespace

int64_t GgufTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string out = "[";
  for (const int64_t n : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(n);
  return out + "]";
}

std::shared_ptr<const GgufFile> GgufFile::open(const std::filesystem::path& path) {
  auto file = std::make_unique<MappedFile>(path, ErrorKind::kModel);
  const auto bytes = file->bytes();
  return std::shared_ptr<const GgufFile>(new GgufFile(std::move(file), path, bytes));
}

std::shared_ptr<const GgufFile> GgufFile::open_memory(std::span<const std::byte> bytes,
                                                      std::string_view name) {
  return std::shared_ptr<const GgufFile>(new GgufFile(nullptr, name, bytes));
}

GgufFile::GgufFile(std::unique_ptr<MappedFile> file, std::filesystem::path path,
                   std::span<const std::byte> bytes)
    : file_(std::move(file)), path_(std::move(path)), bytes_(bytes) {
  ByteReader in(bytes_, path_.string(), ErrorKind::kModel);
  if (const auto magic = in.text(gguf::kMagic.size(), "the GGUF magic"); magic != gguf::kMagic) {
    in.fail("is not a GGUF file: it begins with " + quote(magic) + ", expected 'GGUF'");
  }
  const auto version = in.read<uint32_t>("the version");
  if (version != 2 && version != 3) {
    const bool swapped = (version & 0xffff) == 0 && version != 0;
    in.fail(expected_got("the GGUF version", version, "2 or 3") +
            (swapped ? " (a big-endian file?)" : ""));
  }
  const auto tensor_count = in.read<uint64_t>("the number of tensors");
  const auto key_count = in.read<uint64_t>("the number of keys");
  if (tensor_count > gguf::kMaxTensors) {
    in.fail(expected_got("the number of tensors", tensor_count,
                         "at most " + std::to_string(gguf::kMaxTensors)));
  }
  if (key_count > gguf::kMaxKeys) {
    in.fail(
        expected_got("the number of keys", key_count, "at most " + std::to_string(gguf::kMaxKeys)));
  }
  read_values(in, key_count);
  read_tensors(in, tensor_count);
  index_names();
  place_tensors(in.position());
  reject_overlaps();
}

void GgufFile::read_values(ByteReader& in, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    const std::string_view key = read_string(in, "a key");
    if (!is_plain_name(key) || key.size() > gguf::kMaxKeyBytes) {
      in.fail("key " + quote(key) + " is not a name of printable characters");
    }
    const Value parsed = read_value(in, key);
    if (!values_.emplace(key, parsed).second) in.fail("key " + quote(key) + " appears twice");
    keys_.push_back(key);
  }
}

GgufFile::Value GgufFile::read_value(ByteReader& in, std::string_view key) {
  const std::string what = "the value of key " + quote(key);
  Value parsed;
  parsed.type = in.read<uint32_t>(what);
  if (parsed.type == gguf::kArray) {
    parsed.is_list = true;
    parsed.type = in.read<uint32_t>(what);
    parsed.count = in.read<uint64_t>(what);
  }
  if (parsed.type == gguf::kString) {
    const size_t begin = in.position();
    // Each string takes at least its length, 8 bytes, so that a false count ends with the file.
    for (uint64_t i = 0; i < parsed.count; ++i) read_string(in, what);
    parsed.bytes = bytes_.subspan(begin, in.position() - begin);
    return parsed;
  }
  const size_t item = gguf::value_bytes(parsed.type);
  if (item == 0) {
    in.fail(what + " has type " + std::to_string(parsed.type) +
            (parsed.is_list ? " in a list" : "") +
            ", expected a known scalar type, a string or a flat list of them");
  }
  const auto bytes = checked_multiply<uint64_t>(parsed.count, item);
  if (!bytes) in.fail(what + " has " + std::to_string(parsed.count) + " items, more than the file");
  parsed.bytes = in.take(*bytes, what);
  if (parsed.type == gguf::kBool) {
    for (const std::byte b : parsed.bytes) {
      if (b > std::byte{1}) {
        in.fail(
            expected_got("a truth value of key " + quote(key), static_cast<uint64_t>(b), "0 or 1"));
      }
    }
  }
  return parsed;
}

void GgufFile::read_tensors(ByteReader& in, uint64_t count) {
  // An entry takes at least 32 bytes of the file and about 100 here, so that growing entry by entry
  // keeps the memory in proportion to the file, whatever the count says.
  for (uint64_t i = 0; i < count; ++i) {
    GgufTensor tensor;
    const std::string_view name = read_string(in, "a tensor's name");
    if (!is_plain_name(name) || name.size() >= GGML_MAX_NAME) {
      in.fail("tensor name " + quote(name) + " is not of 1 to " +
              std::to_string(GGML_MAX_NAME - 1) + " printable characters");
    }
    tensor.name = name;
    const std::string what = "tensor " + quote(name);
    const auto dims = in.read<uint32_t>(what);
    if (dims > gguf::kMaxDims) {
      in.fail(what + " has " + std::to_string(dims) + " dimensions, expected at most " +
              std::to_string(gguf::kMaxDims));
    }
    for (uint32_t d = 0; d < dims; ++d) {
      const auto length = in.read<uint64_t>(what);
      if (length == 0 || length > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        in.fail(
            what + ": " +
            expected_got("length " + std::to_string(d) + " of its shape", length, "1 to 2^63 - 1"));
      }
      tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(length));
    }
    const auto type = in.read<uint32_t>(what);
    if (type >= GGML_TYPE_COUNT || ggml_type_size(static_cast<ggml_type>(type)) == 0) {
      in.fail(what + " has the unknown type " + std::to_string(type));
    }
    tensor.type = static_cast<ggml_type>(type);
    tensor.offset = in.read<uint64_t>(what);

    const auto block = static_cast<uint64_t>(ggml_blck_size(tensor.type));
    const auto row = static_cast<uint64_t>(tensor.shape.empty() ? 1 : tensor.shape.back());
    if (row % block != 0) {
      in.fail(what + " has rows of " + std::to_string(row) + " elements, expected a multiple of " +
              std::to_string(block) + " (type " + ggml_type_name(tensor.type) + ")");
    }
    // The element count must fit as well: it is what networks compute with.
    std::optional<uint64_t> elements = 1;
    for (const int64_t n : tensor.shape) {
      if (elements) elements = checked_multiply<uint64_t>(*elements, static_cast<uint64_t>(n));
    }
    std::optional<uint64_t> bytes;
    if (elements && *elements <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      bytes = checked_multiply<uint64_t>(*elements / block, ggml_type_size(tensor.type));
    }
    if (!bytes || *bytes > bytes_.size()) {
      in.fail(what + " of shape " + shape_text(tensor.shape) + " and type " +
              ggml_type_name(tensor.type) + " is larger than the file (" +
              std::to_string(bytes_.size()) + " bytes)");
    }
    tensor.bytes = static_cast<size_t>(*bytes);
    tensors_.push_back(std::move(tensor));
  }
}

void GgufFile::place_tensors(uint64_t header_bytes) {
  const auto stated = integer(gguf::kAlignmentKey);
  const auto alignment = static_cast<uint64_t>(stated.value_or(gguf::kDefaultAlignment));
  if (!std::has_single_bit(alignment) || alignment < gguf::kMinAlignment ||
      alignment > gguf::kMaxAlignment) {
    fail("key 'general.alignment' is " + std::to_string(*stated) +
         ", expected a power of two from " + std::to_string(gguf::kMinAlignment) + " to " +
         std::to_string(gguf::kMaxAlignment));
  }
  const uint64_t size = bytes_.size();
  const uint64_t start = (header_bytes + alignment - 1) / alignment * alignment;
  for (GgufTensor& tensor : tensors_) {
    const std::string what = "tensor " + quote(tensor.name);
    if (tensor.offset % alignment != 0) {
      fail(what + " lies at offset " + std::to_string(tensor.offset) + ", expected a multiple of " +
           std::to_string(alignment));
    }
    if (start > size || tensor.offset > size - start ||
        tensor.bytes > size - start - tensor.offset) {
      fail(what + " lies at offset " + std::to_string(tensor.offset) + " with " +
           std::to_string(tensor.bytes) + " bytes, expected within the " +
           std::to_string(size > start ? size - start : 0) + " bytes of data in the file");
    }
    tensor.offset += start;
  }
}

void GgufFile::index_names() {
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  std::sort(by_name_.begin(), by_name_.end(),
            [&](uint32_t a, uint32_t b) { return tensors_[a].name < tensors_[b].name; });
  const auto twin = std::adjacent_find(
      by_name_.begin(), by_name_.end(),
      [&](uint32_t a, uint32_t b) { return tensors_[a].name == tensors_[b].name; });
  if (twin != by_name_.end()) fail("tensor " + quote(tensors_[*twin].name) + " appears twice");
}

void GgufFile::reject_overlaps() const {
  std::vector<uint32_t> order(by_name_);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return tensors_[a].offset < tensors_[b].offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    const GgufTensor& before = tensors_[order[i - 1]];
    const GgufTensor& after = tensors_[order[i]];
    if (before.offset + before.bytes > after.offset) {
      fail("tensors " + quote(before.name) + " and " + quote(after.name) +
           " overlap: the first ends at byte " + std::to_string(before.offset + before.bytes) +
           ", the second begins at " + std::to_string(after.offset));
    }
  }
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto at =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [&](uint32_t i, std::string_view n) { return tensors_[i].name < n; });
  return at != by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
}

std::span<const std::byte> GgufFile::data(const GgufTensor& tensor) const {
  return bytes_.subspan(static_cast<size_t>(tensor.offset), tensor.bytes);
}

void GgufFile::fail(const std::string& message) const {
  throw Error(ErrorKind::kModel, path().string() + ": " + message);
}

}  // namespace alref::compute
