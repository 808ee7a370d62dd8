// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "convert/checkpoint.h"
#include "core/byte_reader.h"
#include "core/quote.h"

namespace alref::convert {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr int kMaxDepth = 4;
constexpr size_t kMaxDims = 8;

const std::pair<std::string_view, ElementType> kTypes[] = {
    {"F64", ElementType::kF64},   {"F32", ElementType::kF32}, {"F16", ElementType::kF16},
    {"BF16", ElementType::kBf16}, {"I64", ElementType::kI64}, {"I32", ElementType::kI32},
    {"I16", ElementType::kI16},   {"I8", ElementType::kI8},   {"U8", ElementType::kU8},
    {"BOOL", ElementType::kBool}};

/// Parses the header; deep nesting and names that appear twice are errors, which JSON leaves open.
json parse_header(std::string_view text, const ByteReader& in) {
  std::vector<std::set<std::string>> names;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) in.fail("its header is nested deeper than " + std::to_string(kMaxDepth));
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key &&
        !names.back().insert(parsed.get<std::string>()).second) {
      in.fail("its header names " + quote(parsed.get<std::string>()) + " twice");
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::exception& error) {
    in.fail("its header is not JSON: " + quote(error.what()));
  }
}

uint64_t whole_number(const json& value, const std::string& what, const ByteReader& in) {
  if (!value.is_number_unsigned()) in.fail(what + " is not a whole number");
  return value.get<uint64_t>();
}

const json& member(const json& entry, const char* name, const std::string& what,
                   const ByteReader& in) {
  if (!entry.is_object() || !entry.contains(name)) in.fail(what + " has no " + quote(name));
  return entry[name];
}

struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
};

std::pair<SourceTensor, Range> read_entry(const json& entry, const std::string& what,
                                          std::span<const std::byte> data, const ByteReader& in) {
  SourceTensor tensor;
  const json& type = member(entry, "dtype", what, in);
  const auto known = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) {
    return type.is_string() && type.get_ref<const std::string&>() == t.first;
  });
  if (known == std::end(kTypes)) in.fail(what + " has the unknown dtype " + quote(type.dump()));
  tensor.type = known->second;

  const json& shape = member(entry, "shape", what, in);
  if (!shape.is_array() || shape.size() > kMaxDims) in.fail(what + " has a bad shape");
  // Without its zeros, so that an empty tensor's other lengths cannot overflow what is computed
  // with them.
  std::optional<uint64_t> bytes = element_bytes(tensor.type);
  bool empty = false;
  for (const json& length : shape) {
    const uint64_t n = whole_number(length, what + ": a length", in);
    empty = empty || n == 0;
    if (bytes) bytes = checked_multiply(*bytes, std::max<uint64_t>(n, 1));
    tensor.shape.push_back(static_cast<int64_t>(n));
  }
  if (bytes && *bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) bytes.reset();
  if (bytes && empty) bytes = 0;
  const json& offsets = member(entry, "data_offsets", what, in);
  if (!offsets.is_array() || offsets.size() != 2) in.fail(what + " has bad data_offsets");
  const Range range{whole_number(offsets[0], what + ": an offset", in),
                    whole_number(offsets[1], what + ": an offset", in)};
  if (range.begin > range.end || range.end > data.size()) {
    in.fail(what + " lies at bytes " + std::to_string(range.begin) + " to " +
            std::to_string(range.end) + ", expected within " + std::to_string(data.size()));
  }
  if (!bytes || *bytes != range.end - range.begin) {
    in.fail(what + " has " + std::to_string(range.end - range.begin) +
            " bytes, which its shape and dtype do not make");
  }
  tensor.strides.assign(tensor.shape.size(), 1);
  for (size_t d = tensor.shape.size(); d-- > 1;) {
    tensor.strides[d - 1] = tensor.strides[d] * std::max<int64_t>(tensor.shape[d], 1);
  }
  tensor.storage = data.subspan(static_cast<size_t>(range.begin), static_cast<size_t>(*bytes));
  return {std::move(tensor), range};
}

}  // namespace

SourceTensors read_safetensors(std::span<const std::byte> file, const std::string& source) {
  ByteReader in(file, source, ErrorKind::kModel);
  const auto header_bytes = in.read<uint64_t>("the header's length");
  if (header_bytes > kMaxHeaderBytes) {
    in.fail("its header has " + std::to_string(header_bytes) + " bytes, expected at most " +
            std::to_string(kMaxHeaderBytes));
  }
  const std::string_view text = in.text(header_bytes, "the header");
  if (!text.starts_with('{')) in.fail("its header does not begin with '{'");
  const json header = parse_header(text, in);
  const auto data = in.take(in.left(), "the data");

  SourceTensors tensors;
  std::vector<Range> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    auto [tensor, range] = read_entry(entry, "tensor " + quote(name), data, in);
    tensors.emplace(name, std::move(tensor));
    ranges.push_back(range);
  }
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t covered = 0;
  for (const Range& range : ranges) {
    if (range.begin != covered) {
      in.fail("its tensors leave a gap or overlap at byte " +
              std::to_string(std::min(covered, range.begin)) + " of the data");
    }
    covered = range.end;
  }
  if (covered != data.size()) {
    in.fail("its tensors cover " + std::to_string(covered) + " of " + std::to_string(data.size()) +
            " bytes of data");
  }
  return tensors;
}

}  // namespace alref::convert
