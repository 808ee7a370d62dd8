// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

namespace alref::testing {

/// Bytes put together field by field, little-endian.
class Bytes {
 public:
  template <typename T>
  Bytes& put(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Bytes& put_text(std::string_view text) {
    text_ += text;
    return *this;
  }
  const std::string& str() const { return text_; }
  size_t size() const { return text_.size(); }

 private:
  std::string text_;
};

/// A zip archive whose every field can be made wrong.
struct ZipSpec {
  struct Entry {
    std::string name;
    std::string data;
    uint16_t method = 0;
    uint16_t flags = 0;
    std::string local_name = {};  // if another one
    int64_t size_change = 0;      // in the directory
    int64_t packed_change = 0;    // in the directory
    int64_t crc_change = 0;       // in the directory
    int64_t offset_change = 0;    // in the directory
    bool wide = false;            // sizes in a zip64 field
  };
  std::vector<Entry> entries;
  bool zip64 = true;  // as PyTorch writes
  int64_t directory_offset_change = 0;
  int64_t count_change = 0;

  std::string bytes() const {
    Bytes out;
    std::vector<uint32_t> offsets;
    for (const Entry& e : entries) {
      offsets.push_back(static_cast<uint32_t>(out.size()));
      const std::string& name = e.local_name.empty() ? e.name : e.local_name;
      out.put(0x04034b50u).put<uint16_t>(0).put(e.flags).put(e.method).put(0u).put(crc(e));
      out.put(size(e)).put(size(e)).put(static_cast<uint16_t>(name.size())).put<uint16_t>(0);
      out.put_text(name).put_text(e.data);
    }
    const uint64_t start = out.size();
    for (size_t i = 0; i < entries.size(); ++i) {
      const Entry& e = entries[i];
      const uint64_t whole = static_cast<uint64_t>(size(e) + e.size_change);
      const uint64_t packed = static_cast<uint64_t>(size(e) + e.packed_change);
      out.put(0x02014b50u).put(0u).put(e.flags).put(e.method).put(0u);
      out.put(static_cast<uint32_t>(crc(e) + e.crc_change));
      out.put(e.wide ? ~0u : static_cast<uint32_t>(packed))
          .put(e.wide ? ~0u : static_cast<uint32_t>(whole));
      out.put(static_cast<uint16_t>(e.name.size())).put<uint16_t>(e.wide ? 20 : 0).put<uint16_t>(0);
      out.put<uint64_t>(0)
          .put(static_cast<uint32_t>(offsets[i] + e.offset_change))
          .put_text(e.name);
      if (e.wide) out.put<uint16_t>(1).put<uint16_t>(16).put(whole).put(packed);
    }
    const uint64_t directory_bytes = out.size() - start;
    const uint64_t count = entries.size() + static_cast<uint64_t>(count_change);
    const uint64_t offset = start + static_cast<uint64_t>(directory_offset_change);
    if (zip64) {
      const uint64_t at = out.size();
      out.put(0x06064b50u).put<uint64_t>(44).put<uint16_t>(0x31e).put<uint16_t>(45).put(0u).put(0u);
      out.put(count).put(count).put(directory_bytes).put(offset);
      out.put(0x07064b50u).put(0u).put(at).put(1u);
    }
    out.put(0x06054b50u)
        .put(0u)
        .put(static_cast<uint16_t>(count))
        .put(static_cast<uint16_t>(count));
    out.put(static_cast<uint32_t>(directory_bytes))
        .put(static_cast<uint32_t>(offset))
        .put<uint16_t>(0);
    return out.str();
  }

 private:
  static uint32_t crc(const Entry& e) {
    return static_cast<uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(e.data.data()),
                                         static_cast<uInt>(e.data.size())));
  }
  static uint32_t size(const Entry& e) { return static_cast<uint32_t>(e.data.size()); }
};

/// Pickles as torch.save writes them, opcode by opcode.
class PickleSpec {
 public:
  PickleSpec() { op(0x80).op(2); }
  PickleSpec& op(int opcode) {
    text_ += static_cast<char>(opcode);
    return *this;
  }
  PickleSpec& raw(std::string_view bytes) {
    text_ += bytes;
    return *this;
  }
  PickleSpec& text(std::string_view s) {
    op('X');
    const auto size = static_cast<uint32_t>(s.size());
    text_.append(reinterpret_cast<const char*>(&size), 4);
    return raw(s);
  }
  PickleSpec& integer(int32_t value) {
    op('J');
    text_.append(reinterpret_cast<const char*>(&value), 4);
    return *this;
  }
  PickleSpec& global(std::string_view module, std::string_view name) {
    return op('c').raw(module).raw("\n").raw(name).raw("\n");
  }
  PickleSpec& tuple(const std::vector<int32_t>& values) {
    op('(');
    for (const int32_t v : values) integer(v);
    return op('t');
  }
  /// A tensor in storage "data/<key>".
  PickleSpec& tensor(std::string_view key, int32_t elements, const std::vector<int32_t>& shape,
                     const std::vector<int32_t>& strides, int32_t offset = 0,
                     std::string_view storage = "FloatStorage") {
    global("torch._utils", "_rebuild_tensor_v2")
        .op('(')
        .op('(')
        .text("storage")
        .global("torch", storage);
    text(key).text("cpu").integer(elements).op('t').op('Q').integer(offset).tuple(shape).tuple(
        strides);
    return op(0x89).global("collections", "OrderedDict").op(')').op('R').op('t').op('R');
  }
  std::string stop() const { return text_ + "."; }

 private:
  std::string text_;
};

}  // namespace alref::testing
