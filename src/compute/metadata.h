// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/error.h"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/gguf_reader.h"

namespace alref::compute {

/// The hyper-parameters of one network in a model file: keys under "<architecture>.". A key that is
/// missing, of another kind or out of range is an Error(kModel) that names the file and the key.
class Metadata {
 public:
  /// Throws Error(kModel) where the file holds another network.
  Metadata(const GgufFile& file, std::string architecture);
  /// The same file's keys under another prefix, such as "tokenizer.ggml".
  Metadata under(std::string prefix) const { return {Unchecked{}, file_, std::move(prefix)}; }

  int64_t integer(const std::string& key, int64_t low, int64_t high) const;
  /// A list, each within [low, high]; `count` entries, or any number where it is 0.
  std::vector<int64_t> integers(const std::string& key, size_t count, int64_t low,
                                int64_t high) const;
  /// A list of any numbers, for those who check it themselves.
  std::vector<int64_t> integers(const std::string& key) const {
    return need(file_.integers(full(key)), key);
  }
  /// Three reals: red, green, blue.
  std::array<float, 3> colour(const std::string& key) const;
  double real(const std::string& key) const { return need(file_.real(full(key)), key); }
  /// A number in [-1, 1], or nothing where the file does not say.
  std::optional<float> cosine(const std::string& key) const;
  bool flag(const std::string& key) const { return need(file_.flag(full(key)), key); }
  std::string text(const std::string& key) const { return need(file_.text(full(key)), key); }
  std::vector<std::string> texts(const std::string& key) const {
    return need(file_.texts(full(key)), key);
  }
  bool has(const std::string& key) const { return file_.has(full(key)); }

  /// For options of which this program knows one setting only.
  void expect_flag(const std::string& key, bool expected) const;
  void expect_text(const std::string& key, const std::string& expected) const;

  [[noreturn]] void fail(const std::string& key, const std::string& got,
                         const std::string& expected) const;

 private:
  struct Unchecked {};
  Metadata(Unchecked, const GgufFile& file, std::string prefix)
      : file_(file), prefix_(std::move(prefix)) {}

  std::string full(const std::string& key) const { return prefix_ + "." + key; }
  [[noreturn]] void fail_missing(const std::string& key) const;

  template <typename T>
  T need(std::optional<T> value, const std::string& key) const {
    if (!value) fail_missing(key);
    return *std::move(value);
  }

  const GgufFile& file_;
  std::string prefix_;
};

}  // namespace alref::compute
