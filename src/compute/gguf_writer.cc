// SPDX-License-Identifier: Apache-2.0
#include "compute/gguf_writer.h"

#include "alref/error.h"

#include <algorithm>
#include <limits>

#include "compute/gguf_format.h"
#include "core/byte_reader.h"
#include "core/quote.h"

namespace alref::compute {
namespace {

uint64_t padding(uint64_t size) {
  return (gguf::kDefaultAlignment - size % gguf::kDefaultAlignment) % gguf::kDefaultAlignment;
}

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorKind::kInvalidArgument, "GGUF writer: " + message);
}

template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string& out, std::string_view text) {
  append<uint64_t>(out, text.size());
  out += text;
}

}  // namespace

template <typename T>
void GgufWriter::put(T value) {
  append(values_, value);
}

void GgufWriter::put_text(std::string_view text) { append_text(values_, text); }

void GgufWriter::key(std::string_view name, uint32_t type) {
  if (name.empty() || name.size() > gguf::kMaxKeyBytes) fail("bad key " + quote(name));
  put_text(name);
  put(type);
  ++keys_;
}

void GgufWriter::list(uint32_t item_type, uint64_t count) {
  put(item_type);
  put(count);
}

void GgufWriter::set_integer(std::string_view name, int64_t value) {
  if (value >= 0 && value <= std::numeric_limits<uint32_t>::max()) {
    key(name, gguf::kUint32);
    put(static_cast<uint32_t>(value));
  } else {
    key(name, gguf::kInt64);
    put(value);
  }
}

void GgufWriter::set_real(std::string_view name, double value) {
  if (static_cast<double>(static_cast<float>(value)) == value) {
    key(name, gguf::kFloat32);
    put(static_cast<float>(value));
  } else {
    key(name, gguf::kFloat64);
    put(value);
  }
}

void GgufWriter::set_flag(std::string_view name, bool value) {
  key(name, gguf::kBool);
  put(static_cast<uint8_t>(value));
}

void GgufWriter::set_text(std::string_view name, std::string_view value) {
  key(name, gguf::kString);
  put_text(value);
  texts_.emplace(name, value);
}

std::optional<std::string> GgufWriter::text(std::string_view name) const {
  const auto at = texts_.find(name);
  return at == texts_.end() ? std::nullopt : std::optional(at->second);
}

void GgufWriter::set_integers(std::string_view name, std::span<const int64_t> values) {
  const bool narrow = std::all_of(values.begin(), values.end(), [](int64_t v) {
    return v >= std::numeric_limits<int32_t>::min() && v <= std::numeric_limits<int32_t>::max();
  });
  key(name, gguf::kArray);
  list(narrow ? gguf::kInt32 : gguf::kInt64, values.size());
  for (const int64_t v : values) narrow ? put(static_cast<int32_t>(v)) : put(v);
}

void GgufWriter::set_reals(std::string_view name, std::span<const double> values) {
  key(name, gguf::kArray);
  list(gguf::kFloat64, values.size());
  for (const double v : values) put(v);
}

void GgufWriter::set_texts(std::string_view name, std::span<const std::string> values) {
  key(name, gguf::kArray);
  list(gguf::kString, values.size());
  for (const std::string& v : values) put_text(v);
}

void GgufWriter::add_tensor(std::string_view name, ggml_type type, std::span<const int64_t> shape) {
  if (name.empty() || name.size() >= GGML_MAX_NAME) {
    fail("tensor name " + quote(name) + " is not of 1 to " + std::to_string(GGML_MAX_NAME - 1) +
         " bytes");
  }
  GgufTensor tensor{std::string(name), type, {shape.begin(), shape.end()}, 0, 0};
  const std::string what = "tensor " + quote(name) + " of shape " + shape_text(shape);
  if (shape.size() > gguf::kMaxDims) fail(what + " has more than 4 dimensions");
  std::optional<uint64_t> bytes = ggml_type_size(type);
  for (const int64_t n : shape) {
    if (n < 1) fail(what + " is empty");
    if (bytes) bytes = checked_multiply(*bytes, static_cast<uint64_t>(n));
  }
  if (!bytes) fail(what + " is too large");
  const int64_t row = shape.empty() ? 1 : shape.back();
  if (row % ggml_blck_size(type) != 0) {
    fail(what + " has rows that are no multiple of the block of " + ggml_type_name(type));
  }
  tensor.bytes = static_cast<size_t>(*bytes / static_cast<uint64_t>(ggml_blck_size(type)));
  if (!tensors_.empty()) {
    const uint64_t end = tensors_.back().offset + tensors_.back().bytes;
    tensor.offset = end + padding(end);
  }
  tensors_.push_back(std::move(tensor));
}

void GgufWriter::begin(const std::filesystem::path& path) {
  std::string header(gguf::kMagic);
  append(header, gguf::kVersion);
  append<uint64_t>(header, tensors_.size());
  append(header, keys_);
  header += values_;
  for (const GgufTensor& tensor : tensors_) {
    append_text(header, tensor.name);
    append(header, static_cast<uint32_t>(tensor.shape.size()));
    for (auto n = tensor.shape.rbegin(); n != tensor.shape.rend(); ++n) {
      append(header, static_cast<uint64_t>(*n));
    }
    append(header, static_cast<uint32_t>(tensor.type));
    append(header, tensor.offset);
  }
  file_ = std::make_unique<AtomicFile>(path);
  file_->write(header);
  pad(header.size());
}

void GgufWriter::pad(uint64_t written) { file_->write(std::string(padding(written), '\0')); }

void GgufWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (!file_ || next_ == tensors_.size()) fail("more data than tensors were declared");
    const uint64_t wanted = tensors_[next_].bytes - written_;
    const auto part = bytes.first(static_cast<size_t>(std::min<uint64_t>(wanted, bytes.size())));
    file_->write(part);
    written_ += part.size();
    bytes = bytes.subspan(part.size());
    if (written_ == tensors_[next_].bytes) {
      pad(written_);
      written_ = 0;
      ++next_;
    }
  }
}

void GgufWriter::finish() {
  if (!file_ || next_ != tensors_.size()) {
    fail("data of " + std::to_string(next_) + " tensors was written, " +
         std::to_string(tensors_.size()) + " were declared");
  }
  file_->commit();
  file_.reset();
}

}  // namespace alref::compute
