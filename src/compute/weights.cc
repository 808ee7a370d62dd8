// SPDX-License-Identifier: Apache-2.0
#include "compute/weights.h"

#include "alref/error.h"

#include <cstring>
#include <map>
#include <numeric>

#include <ggml-alloc.h>
#include <ggml-backend.h>

#include "compute/device.h"

namespace alref::compute {
namespace {

struct ContextDeleter {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
struct BufferDeleter {
  void operator()(ggml_backend_buffer_t buffer) const { ggml_backend_buffer_free(buffer); }
};
using ContextPtr = std::unique_ptr<ggml_context, ContextDeleter>;
using BufferPtr = std::unique_ptr<ggml_backend_buffer, BufferDeleter>;

ContextPtr make_context(size_t tensors) {
  return ContextPtr(ggml_init(
      {.mem_size = tensors * ggml_tensor_overhead(), .mem_buffer = nullptr, .no_alloc = true}));
}

ggml_tensor* new_tensor(ggml_context* context, const std::string& name, ggml_type type,
                        const Shape& shape) {
  const std::vector<int64_t> ne(shape.rbegin(), shape.rend());
  ggml_tensor* tensor =
      ne.empty() ? ggml_new_tensor_1d(context, type, 1)
                 : ggml_new_tensor(context, type, static_cast<int>(ne.size()), ne.data());
  ggml_set_name(tensor, name.c_str());
  return tensor;
}

Shape without_leading_ones(const Shape& shape) {
  size_t first = 0;
  while (first < shape.size() && shape[first] == 1) ++first;
  return Shape(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.end());
}

int64_t count(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace

struct Weights::Model {
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  ~Model() {
    if (buffer) forget(buffer.get());
    for (const BufferPtr& constant : constant_buffers) forget(constant.get());
  }
  void forget(ggml_backend_buffer_t memory) const {
    device->forget_weights(ggml_backend_buffer_get_base(memory),
                           ggml_backend_buffer_get_size(memory));
  }

  std::shared_ptr<const GgufFile> file;
  Device* device = nullptr;
  ContextPtr context;
  BufferPtr buffer;
  std::map<std::string, ggml_tensor*, std::less<>> tensors;
  std::map<std::string, ggml_tensor*, std::less<>> constants;
  std::vector<ContextPtr> constant_contexts;
  std::vector<BufferPtr> constant_buffers;
};

Weights Weights::open(const std::filesystem::path& path, Device& device) {
  auto model = std::make_shared<Model>();
  model->file = GgufFile::open(path);
  model->device = &device;
  model->context = make_context(model->file->tensors().size());
  for (const GgufTensor& tensor : model->file->tensors()) {
    model->tensors[tensor.name] =
        new_tensor(model->context.get(), tensor.name, tensor.type, tensor.shape);
  }
  if (device.is_host()) {
    const std::span<const std::byte> bytes = model->file->bytes();
    // ggml's interface is not const-correct; weights are never written.
    model->buffer.reset(
        ggml_backend_cpu_buffer_from_ptr(const_cast<std::byte*>(bytes.data()), bytes.size()));
    for (const GgufTensor& tensor : model->file->tensors()) {
      ggml_backend_tensor_alloc(model->buffer.get(), model->tensors[tensor.name],
                                const_cast<std::byte*>(model->file->data(tensor).data()));
    }
  } else if (!model->tensors.empty()) {
    model->buffer.reset(
        ggml_backend_alloc_ctx_tensors_from_buft(model->context.get(), device.buffer_type()));
    if (!model->buffer) {
      throw Error(ErrorKind::kUnavailable,
                  path.string() + ": its weights do not fit the device's memory");
    }
    for (const GgufTensor& tensor : model->file->tensors()) {
      const auto data = model->file->data(tensor);
      ggml_backend_tensor_set(model->tensors[tensor.name], data.data(), 0, data.size());
      model->file->release_pages(tensor);
    }
  }
  if (model->buffer) {
    ggml_backend_buffer_set_usage(model->buffer.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  }
  return Weights(std::move(model), "");
}

std::string Weights::full_name(std::string_view name) const {
  return scope_.empty() ? std::string(name) : scope_ + "." + std::string(name);
}

Weights Weights::operator/(std::string_view child) const {
  return Weights(model_, full_name(child));
}

Weights Weights::operator/(int64_t child) const { return *this / std::to_string(child); }

bool Weights::has(std::string_view name) const {
  return model_->file->find(full_name(name)) != nullptr;
}

const GgufTensor& Weights::find(std::string_view name, const Shape& shape) const {
  const std::string full = full_name(name);
  const GgufTensor* found = model_->file->find(full);
  const std::string where = model_->file->path().string() + ": tensor '" + full + "'";
  if (!found)
    throw Error(ErrorKind::kModel, where + " is missing, expected shape " + shape_text(shape));
  if (without_leading_ones(found->shape) != without_leading_ones(shape)) {
    throw Error(ErrorKind::kModel, where + " has shape " + shape_text(found->shape) +
                                       ", expected " + shape_text(shape));
  }
  return *found;
}

ggml_tensor* Weights::tensor(std::string_view name, const Shape& shape) const {
  return model_->tensors.at(find(name, shape).name);
}

ggml_tensor* Weights::f32(std::string_view name, const Shape& shape) const {
  const GgufTensor& stored = find(name, shape);
  if (stored.type == GGML_TYPE_F32) return model_->tensors.at(stored.name);
  if (auto it = model_->constants.find(stored.name); it != model_->constants.end())
    return it->second;
  return constant(name, stored.shape, values(name, shape));
}

std::vector<float> Weights::values(std::string_view name, const Shape& shape) const {
  const GgufTensor& stored = find(name, shape);
  const std::byte* data = model_->file->data(stored).data();
  std::vector<float> result(static_cast<size_t>(count(stored.shape)));
  if (stored.type == GGML_TYPE_F32) {
    std::memcpy(result.data(), data, result.size() * sizeof(float));
  } else if (const auto to_float = ggml_get_type_traits(stored.type)->to_float) {
    to_float(data, result.data(), static_cast<int64_t>(result.size()));
  } else {
    throw Error(ErrorKind::kModel, model_->file->path().string() + ": tensor '" + stored.name +
                                       "' has type " + ggml_type_name(stored.type) +
                                       ", expected one that converts to f32");
  }
  return result;
}

ggml_tensor* Weights::constant(std::string_view name, const Shape& shape,
                               std::span<const float> values) const {
  ContextPtr context = make_context(1);
  const std::string full = full_name(name);
  ggml_tensor* tensor = new_tensor(context.get(), full, GGML_TYPE_F32, shape);
  GGML_ASSERT(ggml_nelements(tensor) == static_cast<int64_t>(values.size()));
  BufferPtr buffer(ggml_backend_alloc_ctx_tensors_from_buft(context.get(), device().buffer_type()));
  if (!buffer) throw Error(ErrorKind::kUnavailable, full + ": does not fit the device's memory");
  ggml_backend_buffer_set_usage(buffer.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  ggml_backend_tensor_set(tensor, values.data(), 0, values.size_bytes());
  model_->constant_contexts.push_back(std::move(context));
  model_->constant_buffers.push_back(std::move(buffer));
  model_->constants[full] = tensor;
  return tensor;
}

const GgufFile& Weights::file() const { return *model_->file; }

Device& Weights::device() const { return *model_->device; }

}  // namespace alref::compute
