// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <ggml.h>

#include "compute/device.h"
#include "compute/weights.h"

namespace alref::compute {

/// Writes all values of a tensor: right where they belong if the host can reach that.
using Fill = std::function<void(std::span<float>)>;

/// A tensor in a buffer of its own on a device: what one stage hands to the next without a copy
/// through the host, and what must outlive a run (memories, image features). Move only.
class DeviceTensor {
 public:
  DeviceTensor() = default;
  DeviceTensor(Device& device, ggml_type type, const Shape& shape);

  ggml_tensor* tensor() const { return tensor_; }
  explicit operator bool() const { return tensor_ != nullptr; }
  size_t bytes() const { return tensor_ ? ggml_nbytes(tensor_) : 0; }

  /// f32 only.
  void write(std::span<const float> values);
  void fill(const Fill& fill);
  /// The values where they lie or, where the host cannot reach them, a copy in `copy`.
  std::span<const float> read(std::vector<float>& copy) const;

 private:
  struct ContextDeleter {
    void operator()(ggml_context* context) const { ggml_free(context); }
  };
  struct BufferDeleter {
    void operator()(ggml_backend_buffer_t buffer) const { ggml_backend_buffer_free(buffer); }
  };
  std::unique_ptr<ggml_context, ContextDeleter> context_;
  std::unique_ptr<ggml_backend_buffer, BufferDeleter> buffer_;
  ggml_tensor* tensor_ = nullptr;
};

/// One stage of a network for one set of input shapes: built once, run often.
///
///     Graph g(device);
///     ggml_tensor* x = g.input(GGML_TYPE_F32, {batch, dim});
///     ggml_tensor* y = g.output(linear(g, x));
///     g.write(x, values);  g.run();  g.read(y);
///
/// Graphs of one device share its scratch memory: what a run left is valid until another graph of
/// the device is written to or run. What must live longer is stored into a DeviceTensor.
class Graph {
 public:
  explicit Graph(Device& device, size_t max_nodes = 8192);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  ggml_context* context() const { return context_.get(); }
  Device& device() const { return device_; }
  /// Whether operators that ggml lacks (compute/ops) should be used as they are: on a host device
  /// yes; on a GPU their plain ggml spelling is better, where there is one, than a round trip to
  /// the host.
  bool prefers_custom_ops() const { return device_.is_host(); }

  /// A tensor that the host fills before each run. Its content does not survive the run.
  ggml_tensor* input(ggml_type type, const Shape& shape);
  /// Marks a tensor as read by the host after the run, and returns it.
  ggml_tensor* output(ggml_tensor* tensor);
  /// Puts a tensor's value into `into`, which nothing of the same graph may read; types may differ
  /// (f32 to bf16 and so on).
  void store(ggml_tensor* value, const DeviceTensor& into);
  /// The same into a part of a DeviceTensor: a contiguous view of it.
  void store(ggml_tensor* value, ggml_tensor* into);

  /// Keeps an object that nodes of this graph refer to (a CustomOp).
  void keep(std::shared_ptr<const void> object) { kept_.push_back(std::move(object)); }

  void write(ggml_tensor* input, std::span<const float> values);
  void write(ggml_tensor* input, std::span<const int32_t> values);
  /// An f32 input from parts one after the other; together they must fill it.
  void write(ggml_tensor* input, std::span<const std::span<const float>> parts);
  void fill(ggml_tensor* input, const Fill& fill);
  /// Throws Error(kUnavailable) where memory does not suffice.
  void run();
  std::vector<float> read(const ggml_tensor* output);
  void read(const ggml_tensor* output, std::span<float> values);

  int nodes();

 private:
  struct ContextDeleter {
    void operator()(ggml_context* context) const { ggml_free(context); }
  };
  /// Gives an input memory; false where no node reads it, so that it has none.
  bool place(ggml_tensor* input);
  void write_bytes(ggml_tensor* input, const void* data, size_t bytes);
  void allocate();
  void restore_unallocated();

  Device& device_;
  std::unique_ptr<ggml_context, ContextDeleter> context_;
  ggml_cgraph* graph_;
  std::vector<ggml_tensor>
      unallocated_;  // this graph's tensors as they were before they first got memory
  std::vector<std::shared_ptr<const void>> kept_;
};

/// A view of a DeviceTensor's, or any contiguous tensor's, rows [begin, end) of the outermost
/// dimension.
ggml_tensor* rows(ggml_context* context, ggml_tensor* tensor, int64_t begin, int64_t end);

}  // namespace alref::compute
