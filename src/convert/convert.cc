// SPDX-License-Identifier: Apache-2.0
#include "convert/convert.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "compute/gguf_writer.h"
#include "convert/beats.h"
#include "convert/checkpoint.h"
#include "convert/grounding_dino.h"
#include "convert/language_bind.h"
#include "convert/name_table.h"
#include "convert/sam2.h"
#include "core/quote.h"
#include "ggml.h"

namespace alref::convert {
namespace {

constexpr size_t kChunk = 1 << 18;  // elements; a multiple of all blocks
constexpr float kMaxHalf = 65504;   // the largest f16

struct Network {
  bool (*matches)(const SourceTensors&);
  NameTable (*prepare)(Inputs&, compute::GgufWriter&);
};

constexpr Network kNetworks[] = {{is_sam2, prepare_sam2},
                                 {is_grounding_dino, prepare_grounding_dino},
                                 {is_beats, prepare_beats},
                                 {is_language_bind, prepare_language_bind}};

constexpr std::pair<std::string_view, WeightType> kTypeNames[] = {{"f32", WeightType::kF32},
                                                                  {"f16", WeightType::kF16},
                                                                  {"bf16", WeightType::kBf16},
                                                                  {"q8_0", WeightType::kQ8_0}};

ggml_type stored_type(const TensorSpec& spec, WeightType wanted) {
  const bool depthwise = spec.role == Role::kKernel && spec.shape[1] == 1;
  if (spec.role == Role::kKeep || depthwise || wanted == WeightType::kF32) return GGML_TYPE_F32;
  if (wanted == WeightType::kBf16) return GGML_TYPE_BF16;
  const bool blocks =
      spec.role == Role::kMatrix && spec.shape.back() % ggml_blck_size(GGML_TYPE_Q8_0) == 0;
  return wanted == WeightType::kQ8_0 && blocks ? GGML_TYPE_Q8_0 : GGML_TYPE_F16;
}

/// Encodes f32 values; `values` is whole blocks.
void encode(std::span<const float> values, ggml_type type, std::vector<std::byte>& out) {
  const auto count = static_cast<int64_t>(values.size());
  out.resize(ggml_row_size(type, count));
  switch (type) {
    case GGML_TYPE_F32:
      std::copy_n(reinterpret_cast<const std::byte*>(values.data()), out.size(), out.data());
      return;
    case GGML_TYPE_F16:
      ggml_fp32_to_fp16_row(values.data(), reinterpret_cast<ggml_fp16_t*>(out.data()), count);
      return;
    case GGML_TYPE_BF16:
      ggml_fp32_to_bf16_row_ref(values.data(), reinterpret_cast<ggml_bf16_t*>(out.data()), count);
      return;
    default:
      ggml_get_type_traits(type)->from_float_ref(values.data(), out.data(), count);
  }
}

class Conversion {
 public:
  Conversion(Checkpoint& checkpoint, const ConvertOptions& options)
      : checkpoint_(checkpoint), options_(options), inputs_(checkpoint) {}

  ConvertReport run(const std::filesystem::path& output) {
    const auto network =
        std::find_if(std::begin(kNetworks), std::end(kNetworks),
                     [&](const Network& n) { return n.matches(checkpoint_.tensors()); });
    if (network == std::end(kNetworks)) {
      checkpoint_.fail("is no network known here: it has " +
                       std::to_string(checkpoint_.tensors().size()) + " tensors, the first is " +
                       quote(checkpoint_.tensors().begin()->first));
    }
    const NameTable table = network->prepare(inputs_, writer_);
    inputs_.check(table, writer_.text("general.name").value_or("network"));
    writer_.set_text("general.source", checkpoint_.path().filename().string());
    writer_.set_text("general.type", kTypeNames[static_cast<size_t>(options_.type)].first);
    ConvertReport report;
    for (const TensorSpec& spec : table.specs()) {
      writer_.add_tensor(spec.name, stored_type(spec, options_.type), spec.shape);
      report.elements += static_cast<uint64_t>(writer_.tensors().back().elements());
    }
    total_ = report.elements;
    writer_.begin(output);
    for (const compute::GgufTensor& tensor : writer_.tensors()) write(tensor);
    writer_.finish();
    report.architecture = *writer_.text("general.architecture");
    report.name = *writer_.text("general.name");
    report.tensors = table.specs().size();
    report.bytes = std::filesystem::file_size(output);
    return report;
  }

 private:
  void write(const compute::GgufTensor& tensor) {
    for (const SourceTensor* part : inputs_.parts(tensor.name)) {
      checkpoint_.verify(*part);
      const auto count = static_cast<uint64_t>(part->elements());
      for (uint64_t at = 0; at < count; at += kChunk) {
        values_.resize(static_cast<size_t>(std::min<uint64_t>(kChunk, count - at)));
        part->read(at, values_);
        require_fitting(tensor);
        encode(values_, tensor.type, encoded_);
        writer_.write(encoded_);
        done_ += values_.size();
        if (options_.progress) options_.progress(done_, total_);
      }
      checkpoint_.release(*part);
    }
  }

  /// Trained weights are numbers; what is none, or does not fit, would spoil results far from here.
  void require_fitting(const compute::GgufTensor& tensor) const {
    const bool half =
        tensor.type == GGML_TYPE_F16 || tensor.type == GGML_TYPE_Q8_0;  // whose scales are f16
    const float limit = half ? kMaxHalf : std::numeric_limits<float>::max();
    for (const float v : values_) {
      if (!(std::abs(v) <= limit)) {
        checkpoint_.fail("tensor " + quote(tensor.name) + " holds " + std::to_string(v) +
                         ", which is no number that " + ggml_type_name(tensor.type) + " can hold");
      }
    }
  }

  Checkpoint& checkpoint_;
  const ConvertOptions& options_;
  Inputs inputs_;
  compute::GgufWriter writer_;
  std::vector<float> values_;
  std::vector<std::byte> encoded_;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

}  // namespace

WeightType parse_weight_type(std::string_view name) {
  for (const auto& [known, type] : kTypeNames) {
    if (known == name) return type;
  }
  throw Error(ErrorKind::kInvalidArgument,
              "weight type " + quote(name) + ", expected f32, f16, bf16 or q8_0");
}

ConvertReport convert_checkpoint(const std::filesystem::path& checkpoint,
                                 const std::filesystem::path& output,
                                 const ConvertOptions& options) {
  Checkpoint source(checkpoint);
  return Conversion(source, options).run(output);
}

}  // namespace alref::convert
