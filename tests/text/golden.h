// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <zlib.h>

namespace alref::testing {

inline std::string inflate_file(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw std::runtime_error("cannot open " + path);
  std::string out;
  char buffer[1 << 16];
  for (int n; (n = gzread(file, buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<size_t>(n));
  if (gzclose(file) != Z_OK) throw std::runtime_error("damaged " + path);
  return out;
}

/// A string and what the oracle made of it; written by tests/oracles/make_tokenizer_goldens.py.
struct GoldenTokens {
  std::string text;
  size_t count = 0;
  uint32_t digest = 0;
};

inline std::vector<GoldenTokens> read_golden_tokens(const std::string& path) {
  const std::string bytes = inflate_file(path);
  size_t at = 0;
  const auto number = [&](size_t width) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.substr(at, width).data(), width);
    at += width;
    return value;
  };
  std::vector<GoldenTokens> records;
  while (at < bytes.size()) {
    GoldenTokens& record = records.emplace_back();
    const uint32_t size = number(2);
    record.text = bytes.substr(at, size);
    at += size;
    record.count = number(2);
    record.digest = number(4);
  }
  return records;
}

/// FNV-1a over little-endian bytes.
class Digest {
 public:
  void add(uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8)
      hash_ = (hash_ ^ (value >> shift & 0xff)) * 0x01000193u;
  }
  uint32_t value() const { return hash_; }

 private:
  uint32_t hash_ = 0x811C9DC5u;
};

inline uint32_t digest_of(std::span<const int32_t> ids) {
  Digest digest;
  for (const int32_t id : ids) digest.add(static_cast<uint32_t>(id));
  return digest.value();
}

}  // namespace alref::testing
