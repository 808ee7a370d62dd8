// SPDX-License-Identifier: Apache-2.0
#include "compute/graph.h"

#include "alref/error.h"

#include <atomic>
#include <chrono>

#include <ggml-alloc.h>
#include <ggml-backend.h>

#include "compute/run_clock.h"
#include "core/pages.h"

namespace alref::compute {
namespace {

std::atomic<int64_t> run_time{0};  // in nanoseconds

/// Adds its life to run_time.
class RunClock {
 public:
  RunClock() = default;
  ~RunClock() {
    run_time += (std::chrono::steady_clock::now() - begin_) / std::chrono::nanoseconds(1);
  }
  RunClock(const RunClock&) = delete;
  RunClock& operator=(const RunClock&) = delete;

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

ggml_tensor* new_tensor(ggml_context* context, ggml_type type, const Shape& shape) {
  const std::vector<int64_t> ne(shape.rbegin(), shape.rend());
  return ggml_new_tensor(context, type, static_cast<int>(ne.size()), ne.data());
}

// Empty where the host cannot reach them.
std::span<float> values_on_host(const ggml_tensor* tensor) {
  if (!ggml_backend_buffer_is_host(tensor->buffer)) return {};
  return {static_cast<float*>(tensor->data), static_cast<size_t>(ggml_nelements(tensor))};
}

void fill_values(ggml_tensor* tensor, const Fill& fill) {
  GGML_ASSERT(tensor->type == GGML_TYPE_F32);
  if (const auto values = values_on_host(tensor); !values.empty()) return fill(values);
  std::vector<float> values(static_cast<size_t>(ggml_nelements(tensor)));
  fill(values);
  ggml_backend_tensor_set(tensor, values.data(), 0, ggml_nbytes(tensor));
}

// Whether an operator of `backend` may write its result to where it is to be kept, so that nothing
// is copied. One that the backend lacks may not: the scheduler cannot move what has its place.
bool may_be_made_in(const ggml_tensor* made, const ggml_tensor* into, ggml_backend_t backend) {
  return made->op != GGML_OP_NONE && !made->view_src && !made->data && made->type == into->type &&
         ggml_nelements(made) == ggml_nelements(into) && ggml_is_contiguous(into) &&
         ggml_backend_supports_op(backend, made);
}

void prefer_large_pages(ggml_backend_buffer_t buffer) {
  if (ggml_backend_buffer_is_host(buffer))
    alref::prefer_large_pages(ggml_backend_buffer_get_base(buffer),
                              ggml_backend_buffer_get_size(buffer));
}

}  // namespace

DeviceTensor::DeviceTensor(Device& device, ggml_type type, const Shape& shape)
    : context_(ggml_init(
          {.mem_size = ggml_tensor_overhead(), .mem_buffer = nullptr, .no_alloc = true})) {
  tensor_ = new_tensor(context_.get(), type, shape);
  buffer_.reset(ggml_backend_alloc_ctx_tensors_from_buft(context_.get(), device.buffer_type()));
  if (!buffer_) {
    throw Error(ErrorKind::kUnavailable,
                "no memory for a tensor of shape " + shape_text(shape) + " on the device");
  }
  prefer_large_pages(buffer_.get());
}

void DeviceTensor::write(std::span<const float> values) {
  GGML_ASSERT(tensor_->type == GGML_TYPE_F32 && values.size_bytes() == bytes());
  ggml_backend_tensor_set(tensor_, values.data(), 0, values.size_bytes());
}

void DeviceTensor::fill(const Fill& fill) { fill_values(tensor_, fill); }

std::span<const float> DeviceTensor::read(std::vector<float>& copy) const {
  GGML_ASSERT(tensor_->type == GGML_TYPE_F32);
  if (const auto values = values_on_host(tensor_); !values.empty()) return values;
  copy.resize(static_cast<size_t>(ggml_nelements(tensor_)));
  ggml_backend_tensor_get(tensor_, copy.data(), 0, bytes());
  return copy;
}

Graph::Graph(Device& device, size_t max_nodes)
    : device_(device),
      context_(ggml_init({.mem_size = max_nodes * ggml_tensor_overhead() +
                                      ggml_graph_overhead_custom(max_nodes, false),
                          .mem_buffer = nullptr,
                          .no_alloc = true})),
      graph_(ggml_new_graph_custom(context_.get(), max_nodes, false)) {}

Graph::~Graph() {
  if (device_.allocated_ == this) {
    ggml_backend_sched_reset(device_.scheduler_.get());
    device_.allocated_ = nullptr;
  }
}

ggml_tensor* Graph::input(ggml_type type, const Shape& shape) {
  ggml_tensor* tensor = new_tensor(context(), type, shape);
  ggml_set_input(tensor);
  return tensor;
}

ggml_tensor* Graph::output(ggml_tensor* tensor) {
  ggml_set_output(tensor);
  ggml_build_forward_expand(graph_, tensor);
  return tensor;
}

void Graph::store(ggml_tensor* value, const DeviceTensor& into) { store(value, into.tensor()); }

void Graph::store(ggml_tensor* value, ggml_tensor* into) {
  GGML_ASSERT(ggml_nelements(value) == ggml_nelements(into));
  ggml_tensor* made = value->op == GGML_OP_RESHAPE ? value->view_src : value;
  if (!may_be_made_in(made, into, device_.backends_.front().get())) {
    ggml_build_forward_expand(graph_, ggml_cpy(context(), value, into));
    return;
  }
  const ggml_tensor* owner = into->view_src ? into->view_src : into;
  if (ggml_backend_tensor_alloc(owner->buffer, made, into->data) != GGML_STATUS_SUCCESS)
    throw Error(ErrorKind::kUnavailable, "the device could not place a network's result");
  output(made);
}

// The scheduler's memory may have moved since this graph last had a share of it, and the scheduler
// leaves addresses, buffers and (with a GPU) its own copies as arguments in the tensors.
void Graph::restore_unallocated() {
  const bool first = unallocated_.empty();
  size_t i = 0;
  for (ggml_tensor* t = ggml_get_first_tensor(context()); t;
       t = ggml_get_next_tensor(context(), t), ++i) {
    if (first) {
      unallocated_.push_back(*t);
    } else if (i < unallocated_.size()) {
      *t = unallocated_[i];
    }
  }
}

void Graph::allocate() {
  if (device_.allocated_ == this) return;
  const RunClock clock;
  restore_unallocated();
  ggml_backend_sched_t scheduler = device_.scheduler_.get();
  ggml_backend_sched_reset(scheduler);
  device_.allocated_ = nullptr;
  // Reserving makes a new plan. Without it ggml follows the last graph's plan wherever all sizes
  // fit, even if this graph's tensors live longer.
  if (!ggml_backend_sched_reserve(scheduler, graph_)) {
    throw Error(ErrorKind::kUnavailable, "no memory for a network's activations on the device");
  }
  restore_unallocated();  // reserving leaves its copies behind
  if (!ggml_backend_sched_alloc_graph(scheduler, graph_)) {
    throw Error(ErrorKind::kUnavailable, "no memory for a network's activations on the device");
  }
  ggml_backend_buffer_t advised = nullptr;
  for (int i = 0; i < ggml_graph_n_nodes(graph_); ++i) {
    ggml_backend_buffer_t buffer = ggml_graph_node(graph_, i)->buffer;
    if (buffer && buffer != advised &&
        ggml_backend_buffer_get_usage(buffer) == GGML_BACKEND_BUFFER_USAGE_COMPUTE)
      prefer_large_pages(advised = buffer);
  }
  device_.allocated_ = this;
}

bool Graph::place(ggml_tensor* input) {
  allocate();
  return input->buffer != nullptr;
}

void Graph::write_bytes(ggml_tensor* input, const void* data, size_t bytes) {
  GGML_ASSERT(ggml_nbytes(input) == bytes);
  if (place(input)) ggml_backend_tensor_set(input, data, 0, bytes);
}

void Graph::write(ggml_tensor* input, std::span<const std::span<const float>> parts) {
  GGML_ASSERT(input->type == GGML_TYPE_F32);
  if (!place(input)) return;
  size_t offset = 0;
  for (const std::span<const float> part : parts) {
    ggml_backend_tensor_set(input, part.data(), offset, part.size_bytes());
    offset += part.size_bytes();
  }
  GGML_ASSERT(offset == ggml_nbytes(input));
}

void Graph::fill(ggml_tensor* input, const Fill& fill) {
  if (place(input)) fill_values(input, fill);
}

void Graph::write(ggml_tensor* input, std::span<const float> values) {
  GGML_ASSERT(input->type == GGML_TYPE_F32);
  write_bytes(input, values.data(), values.size_bytes());
}

void Graph::write(ggml_tensor* input, std::span<const int32_t> values) {
  GGML_ASSERT(input->type == GGML_TYPE_I32);
  write_bytes(input, values.data(), values.size_bytes());
}

void Graph::run() {
  allocate();
  const RunClock clock;
  if (ggml_backend_sched_graph_compute(device_.scheduler_.get(), graph_) != GGML_STATUS_SUCCESS) {
    throw Error(ErrorKind::kUnavailable, "the device could not run a network");
  }
}

std::vector<float> Graph::read(const ggml_tensor* output) {
  std::vector<float> values(static_cast<size_t>(ggml_nelements(output)));
  read(output, values);
  return values;
}

void Graph::read(const ggml_tensor* output, std::span<float> values) {
  GGML_ASSERT(output->type == GGML_TYPE_F32 && ggml_is_contiguous(output) &&
              ggml_nbytes(output) == values.size_bytes());
  GGML_ASSERT(device_.allocated_ == this);  // another graph has used the scratch memory since
  ggml_backend_tensor_get(output, values.data(), 0, values.size_bytes());
}

double run_seconds() { return 1e-9 * static_cast<double>(run_time); }

int Graph::nodes() { return ggml_graph_n_nodes(graph_); }

ggml_tensor* rows(ggml_context* context, ggml_tensor* tensor, int64_t begin, int64_t end) {
  GGML_ASSERT(ggml_is_contiguous(tensor) && begin >= 0 && begin < end);
  const int dims = ggml_n_dims(tensor);
  int64_t ne[GGML_MAX_DIMS] = {tensor->ne[0], tensor->ne[1], tensor->ne[2], tensor->ne[3]};
  GGML_ASSERT(end <= ne[dims - 1]);
  const size_t offset = tensor->nb[dims - 1] * static_cast<size_t>(begin);
  ne[dims - 1] = end - begin;
  return ggml_view_4d(context, tensor, ne[0], ne[1], ne[2], ne[3], tensor->nb[1], tensor->nb[2],
                      tensor->nb[3], offset);
}

}  // namespace alref::compute
