// SPDX-License-Identifier: Apache-2.0
#include "convert/name_table.h"

#include <algorithm>
#include <utility>

#include "compute/gguf_reader.h"
#include "core/quote.h"

namespace alref::convert {
namespace {

// Names listed of each kind of fault: enough to see the pattern, and still one line.
constexpr size_t kMaxListed = 100;

std::string listed(std::string_view what, const std::vector<std::string>& items) {
  if (items.empty()) return "";
  std::string out = "; " + std::string(what) + " " + std::to_string(items.size()) + ": ";
  for (size_t i = 0; i < items.size() && i < kMaxListed; ++i) out += (i > 0 ? ", " : "") + items[i];
  return items.size() > kMaxListed ? out + ", ..." : out;
}

}  // namespace

void NameTable::keep(const std::string& name, std::vector<int64_t> shape) {
  specs_.push_back({name, std::move(shape), Role::kKeep});
}

void NameTable::matrix(const std::string& name, std::vector<int64_t> shape) {
  specs_.push_back({name, std::move(shape), Role::kMatrix});
}

void NameTable::kernel(const std::string& name, std::vector<int64_t> shape) {
  specs_.push_back({name, std::move(shape), Role::kKernel});
}

void NameTable::linear(const std::string& name, int64_t out, int64_t in, bool bias) {
  matrix(name + ".weight", {out, in});
  if (bias) keep(name + ".bias", {out});
}

void NameTable::norm(const std::string& name, int64_t dim) {
  keep(name + ".weight", {dim});
  keep(name + ".bias", {dim});
}

void NameTable::conv(const std::string& name, int64_t out, int64_t in, int64_t height,
                     int64_t width, bool bias) {
  kernel(name + ".weight", {out, in, height, width});
  if (bias) keep(name + ".bias", {out});
}

void NameTable::mlp(const std::string& name, int64_t in, int64_t hidden, int64_t out,
                    int64_t layers) {
  for (int64_t i = 0; i < layers; ++i) {
    linear(name + ".layers." + std::to_string(i), i + 1 == layers ? out : hidden,
           i == 0 ? in : hidden);
  }
}

void Inputs::add(const std::string& name, size_t part, const std::string& source_name,
                 const SourceTensor& tensor) {
  Tensor& target = tensors_[name];
  if (target.parts.size() <= part) target.parts.resize(part + 1);
  if (target.parts[part] != nullptr) checkpoint_.fail("two tensors stand for " + quote(name));
  target.parts[part] = &tensor;
  target.source_names.push_back(source_name);
}

void Inputs::add_twin(const std::string& name, const std::string& source_name,
                      const SourceTensor& tensor) {
  twins_.push_back({name, source_name, &tensor});
}

const Inputs::Parts& Inputs::parts(std::string_view name) const {
  const auto at = tensors_.find(name);
  if (at == tensors_.end()) checkpoint_.fail("lacks tensor " + quote(name));
  return at->second.parts;
}

int64_t Inputs::length(std::string_view name, size_t dimension) const {
  constexpr int64_t kMaxLength = 1 << 20;
  const auto at = tensors_.find(name);
  if (at == tensors_.end())
    checkpoint_.fail("lacks tensor " + quote(name) + ", which tells the network's sizes");
  const auto lengths = shape(at->second);
  if (dimension >= lengths.size() || lengths[dimension] < 1 || lengths[dimension] > kMaxLength) {
    checkpoint_.fail("tensor " + quote(name) + " has shape " + compute::shape_text(lengths) +
                     ", which no network's has");
  }
  return lengths[dimension];
}

int64_t Inputs::count(std::string_view prefix, std::string_view suffix) const {
  int64_t n = 0;
  while (has(std::string(prefix) + std::to_string(n) + std::string(suffix))) ++n;
  return n;
}

/// Of the whole; empty where parts are missing or do not fit each other.
std::vector<int64_t> Inputs::shape(const Tensor& tensor) const {
  std::vector<int64_t> whole;
  for (const SourceTensor* part : tensor.parts) {
    if (part == nullptr) return {};
    if (whole.empty()) {
      whole = part->shape;
    } else if (part->shape.size() == whole.size() &&
               std::equal(whole.begin() + 1, whole.end(), part->shape.begin() + 1)) {
      whole[0] += part->shape[0];
    } else {
      return {};
    }
  }
  return whole;
}

bool Inputs::equals_twin(const Twin& twin) const {
  const auto at = tensors_.find(twin.name);
  if (at == tensors_.end() || at->second.parts.size() != 1 || at->second.parts[0] == nullptr)
    return false;
  const SourceTensor& first = *at->second.parts[0];
  const SourceTensor& second = *twin.tensor;
  if (first.shape != second.shape) return false;
  if (first.storage.data() == second.storage.data() && first.offset == second.offset &&
      first.strides == second.strides && first.type == second.type) {
    return true;
  }
  std::vector<float> a(static_cast<size_t>(first.elements())), b(a.size());
  first.read(0, a);
  second.read(0, b);
  return a == b;
}

void Inputs::check(const NameTable& table, std::string_view variant) const {
  std::vector<std::string> missing, unknown, misshapen, unequal;
  std::set<std::string_view> expected;
  for (const TensorSpec& spec : table.specs()) {
    expected.insert(spec.name);
    const auto at = tensors_.find(spec.name);
    if (at == tensors_.end()) {
      missing.push_back(quote(spec.name));
    } else if (const auto got = shape(at->second); got != spec.shape) {
      misshapen.push_back(quote(spec.name) + " has shape " + compute::shape_text(got) +
                          ", expected " + compute::shape_text(spec.shape));
    }
  }
  for (const auto& [name, tensor] : tensors_) {
    if (expected.count(name) > 0) continue;
    for (const std::string& source_name : tensor.source_names)
      unknown.push_back(quote(source_name));
  }
  for (const Twin& twin : twins_) {
    if (!equals_twin(twin)) unequal.push_back(quote(twin.source_name));
  }
  if (missing.empty() && unknown.empty() && misshapen.empty() && unequal.empty()) return;
  checkpoint_.fail("is not a complete " + std::string(variant) + listed("missing", missing) +
                   listed("unknown", unknown) + listed("of another shape", misshapen) +
                   listed("unlike the tensor that they should share", unequal));
}

}  // namespace alref::convert
