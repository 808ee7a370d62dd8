// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/backend.h"

#include <memory>
#include <optional>

#include <ggml-backend-impl.h>
#include <ggml-cpu.h>
#include <ggml-impl.h>

#include "compute/onednn/attention.h"
#include "compute/onednn/convolution.h"
#include "compute/onednn/deformable_attention.h"
#include "compute/onednn/fusion.h"
#include "compute/onednn/matmul.h"
#include "compute/onednn/narrowing.h"
#include "compute/onednn/primitives.h"
#include "compute/onednn/rows.h"
#include "compute/onednn/used_threads.h"

namespace alref::compute::onednn {
namespace {

struct Backend {
  explicit Backend(const BackendOptions& options)
      : engine(options.threads, options.precision == Precision::kBf16, options.own_kernels,
               options.amx),
        cpu(ggml_backend_cpu_init()) {
    ggml_backend_cpu_set_n_threads(cpu, options.threads);
    // One that stays, so that a run of a few nodes does not allocate one.
    ggml_threadpool_params params = ggml_threadpool_params_default(options.threads);
    pool = ggml_threadpool_new(&params);
    ggml_backend_cpu_set_threadpool(cpu, pool);
  }
  ~Backend() {
    ggml_backend_free(cpu);
    ggml_threadpool_free(pool);
  }
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  Engine engine;
  WeightCache weights;
  Primitives primitives;
  ggml_backend_t cpu;
  ggml_threadpool_t pool;
};

Backend& state(ggml_backend_t backend) { return *static_cast<Backend*>(backend->context); }

bool is_nothing(const ggml_tensor* node) {
  return node->op == GGML_OP_NONE || node->op == GGML_OP_RESHAPE || node->op == GGML_OP_VIEW ||
         node->op == GGML_OP_PERMUTE || node->op == GGML_OP_TRANSPOSE || ggml_is_empty(node) ||
         (node->flags & GGML_TENSOR_FLAG_COMPUTE) == 0;
}

// Whether our operators also take bf16 where the graph says f32.
bool takes_bf16(const Backend& b) {
  return b.engine.f32() && b.engine.fast()->element == kernels::Element::kBf16;
}

// Whether an operator's argument may be bf16 where the backend takes that.
bool may_be_bf16(const CustomOp* op, int slot) {
  if (dynamic_cast<const AttentionOp*>(op) || dynamic_cast<const WindowAttentionOp*>(op))
    return slot < 3;  // queries, keys, values
  return slot == 0 &&
         (dynamic_cast<const DeformableAttentionOp*>(op) || dynamic_cast<const MaxPool2x2Op*>(op));
}

bool has_plain_rows(const ggml_tensor* t, bool bf16) {
  const size_t bytes = ggml_type_size(t->type);
  return (t->type == GGML_TYPE_F32 || (t->type == GGML_TYPE_BF16 && bf16)) && t->nb[0] == bytes &&
         t->nb[1] % bytes == 0;
}

// Who computes a node.
enum class Step {
  kNothing,
  kGgml,
  kMatmul,
  kNorm,
  kActivation,
  kSoftmax,
  kAttention,
  kWindowAttention,
  kDeformableAttention,
  kConvolution,
  kMaxPool
};

Step step_of_custom(const Backend& b, const ggml_tensor* node) {
  const CustomOp* op = custom_op_of(node);
  if (!op) return Step::kGgml;
  for (int i = 0; i < GGML_MAX_SRC && node->src[i]; ++i) {
    if (!has_plain_rows(node->src[i], takes_bf16(b) && may_be_bf16(op, i))) return Step::kGgml;
  }
  const bool own = b.engine.f32();
  if (node->type != GGML_TYPE_F32 && !takes_bf16(b)) return Step::kGgml;
  if (const auto* attention = dynamic_cast<const AttentionOp*>(op)) {
    return own || b.primitives.takes_attention(*attention, node) ? Step::kAttention : Step::kGgml;
  }
  if (own && dynamic_cast<const WindowAttentionOp*>(op)) return Step::kWindowAttention;
  if (own && dynamic_cast<const MaxPool2x2Op*>(op)) return Step::kMaxPool;
  if (const auto* deformable = dynamic_cast<const DeformableAttentionOp*>(op)) {
    return takes_deformable_attention(b.engine, *deformable, node) ? Step::kDeformableAttention
                                                                   : Step::kGgml;
  }
  return dynamic_cast<const ConvolutionOp*>(op) && node->src[0]->type == GGML_TYPE_F32 &&
                 is_weight(node->src[1])
             ? Step::kConvolution
             : Step::kGgml;
}

// A sum that only a product reads is taken by that.
bool begins_product(const Backend& b, const ggml_cgraph* graph, int i) {
  if (!b.engine.f32() || graph->nodes[i]->op != GGML_OP_ADD) return false;
  const auto linear = fuse_linear(graph, i);
  return linear && takes_matmul(b.engine, linear->pattern.product);
}

Step step_of(const Backend& b, const ggml_tensor* node) {
  if (is_nothing(node)) return Step::kNothing;
  if (b.engine.f32() ? takes_matmul(b.engine, node) : b.primitives.takes_matmul(node))
    return Step::kMatmul;
  if (takes_norm(b.engine, node)) return Step::kNorm;
  if (takes_activation(b.engine, node)) return Step::kActivation;
  if (takes_softmax(b.engine, node)) return Step::kSoftmax;
  return step_of_custom(b, node);
}

// Computes the product or two that begin at node `i`, if any, and returns the node after them.
std::optional<int> run_products(Backend& b, const ggml_cgraph* graph, int i) {
  const auto takes = [&](const Linear& linear) { return takes_matmul(b.engine, linear.product); };
  if (const auto mlp = fuse_mlp(graph, i);
      mlp && takes(mlp->pattern.first) && takes(mlp->pattern.second)) {
    run_mlp(b.engine, b.weights, mlp->pattern);
    return mlp->end;
  }
  const auto linear = fuse_linear(graph, i);
  if (!linear || !takes(linear->pattern)) return std::nullopt;
  run_matmul(b.engine, b.weights, linear->pattern);
  return linear->end;
}

// Computes what begins at node `i` and returns the first node after it.
int run_step(Backend& b, Step step, const ggml_cgraph* graph, int i) {
  ggml_tensor* node = graph->nodes[i];
  const bool own = b.engine.f32();
  switch (step) {
    case Step::kMatmul: {
      if (own) return *run_products(b, graph, i);
      const auto [linear, end] = *fuse_linear(graph, i, /*allocated=*/true, /*norms=*/false);
      b.primitives.run_matmul(b.engine, linear);
      return end;
    }
    case Step::kNorm: {
      if (const auto end = own ? run_products(b, graph, i) : std::nullopt) return *end;
      const auto [norm, end] = fuse_norm(graph, i);
      run_norm(b.engine, norm);
      return end;
    }
    case Step::kActivation:
      run_activation(b.engine, node);
      break;
    case Step::kSoftmax:
      run_softmax(b.engine, node);
      break;
    case Step::kAttention: {
      const auto& op = static_cast<const AttentionOp&>(*custom_op_of(node));
      if (own) {
        run_attention(b.engine, op, node);
      } else {
        b.primitives.run_attention(b.engine, op, node);
      }
      break;
    }
    case Step::kWindowAttention:
      run_window_attention(b.engine, static_cast<const WindowAttentionOp&>(*custom_op_of(node)),
                           node);
      break;
    case Step::kDeformableAttention:
      run_deformable_attention(
          b.engine, static_cast<const DeformableAttentionOp&>(*custom_op_of(node)), node);
      break;
    case Step::kConvolution: {
      const auto& op = static_cast<const ConvolutionOp&>(*custom_op_of(node));
      if (own) {
        ggml_tensor* sum = multiplies(op, node) ? fuse_sum(graph, i, node->src[0]) : nullptr;
        run_convolution(b.engine, b.weights, op, node, sum);
        if (sum) return i + 2;
      } else {
        b.primitives.run_convolution(b.engine, op, node);
      }
      break;
    }
    case Step::kMaxPool:
      run_max_pool(b.engine, node);
      break;
    case Step::kNothing:
    case Step::kGgml:
      break;
  }
  return i + 1;
}

// Whether a node is bf16 though the graph's maker left it f32: ggml's CPU backend cannot store it.
bool was_narrowed(const ggml_tensor* node) {
  const CustomOp* op = custom_op_of(node);
  return node->type == GGML_TYPE_BF16 &&
         (node->op == GGML_OP_MUL_MAT || (op && !dynamic_cast<const AttentionOp*>(op)) ||
          (node->op == GGML_OP_ADD && node->src[0]->type == GGML_TYPE_F32));
}

ggml_status compute(ggml_backend_t backend, ggml_cgraph* graph) {
  Backend& b = state(backend);
  const UsedThreads threads(b.engine.threads());
  int waiting = 0;  // nodes [waiting, i) are ggml's and not computed yet
  const auto hand_on = [&](int end) {
    if (waiting == end) return GGML_STATUS_SUCCESS;
    ggml_cgraph part = ggml_graph_view(graph, waiting, end);
    return ggml_backend_graph_compute(b.cpu, &part);
  };
  for (int i = 0; i < graph->n_nodes;) {
    const Step step = begins_product(b, graph, i) ? Step::kMatmul : step_of(b, graph->nodes[i]);
    GGML_ASSERT(step != Step::kGgml || !was_narrowed(graph->nodes[i]));
    if (step == Step::kGgml || (step == Step::kNothing && waiting < i)) {
      ++i;
      continue;
    }
    if (const ggml_status status = hand_on(i); status != GGML_STATUS_SUCCESS) return status;
    waiting = i = run_step(b, step, graph, i);
  }
  return hand_on(graph->n_nodes);
}

// The product that ends at node `result` and may store bf16 there, without a bias that is an
// activation, which may be gone later (fuse_linear).
std::optional<int> narrowed_product(const Backend& b, const ggml_cgraph* graph, int result) {
  // A product may end in its bias, or in a rotary encoding after that.
  for (int i = result; i >= 0 && i > result - 3; --i) {
    const ggml_tensor* node = graph->nodes[i];
    if (node->op != GGML_OP_MUL_MAT) continue;
    const Linear linear = fuse_linear(graph, i, /*allocated=*/false)->pattern;
    const bool narrows = linear.result == graph->nodes[result] && is_weight(node->src[0]) &&
                         (!linear.bias || is_weight(linear.bias)) && !linear.residual &&
                         linear.after.empty() && takes_matmul(b.engine, node) &&
                         ggml_get_op_params_i32(node, 0) != GGML_PREC_F32;
    return narrows ? std::optional(i) : std::nullopt;
  }
  return std::nullopt;
}

NarrowingRules narrowing_rules(const Backend& b, const ggml_cgraph* graph) {
  const auto stores = [&b, graph](int i) {
    switch (step_of(b, graph->nodes[i])) {
      case Step::kAttention:
      case Step::kWindowAttention:
      case Step::kDeformableAttention:
      case Step::kMaxPool:
        return true;
      default:
        return narrowed_product(b, graph, i).has_value();
    }
  };
  const auto reads = [&b](const ggml_tensor* node, int slot) {
    const CustomOp* op = custom_op_of(node);
    if (op && !may_be_bf16(op, slot)) return false;
    if (const auto* deformable = dynamic_cast<const DeformableAttentionOp*>(op))
      return takes_narrow_value(b.engine, *deformable, node);
    switch (step_of(b, node)) {
      case Step::kMatmul:
        return slot == 1 && is_weight(node->src[0]) &&
               ggml_get_op_params_i32(node, 0) != GGML_PREC_F32;
      case Step::kAttention:
      case Step::kWindowAttention:
        return true;
      case Step::kMaxPool:
        return node->type == GGML_TYPE_BF16;
      default:
        return false;
    }
  };
  const auto begins = [&b, graph](int i) { return narrowed_product(b, graph, i).value_or(i); };
  return {stores, reads, begins};
}

void optimize(ggml_backend_t backend, ggml_cgraph* graph,
              ggml_backend_graph_optimize_params* params) {
  const Backend& b = state(backend);
  if (takes_bf16(b)) narrow(graph, narrowing_rules(b, graph));
  for (int i = 0; i < graph->n_nodes; ++i) {
    for (const auto& [operand, until] : lifetimes_of_chain(graph, i)) {
      params->add_alloc_dep(params->user_data, operand, until);
    }
  }
}

const char* backend_name(ggml_backend_t) { return "oneDNN"; }

void free_backend(ggml_backend_t backend) {
  delete &state(backend);
  delete backend;
}

const char* device_name(ggml_backend_dev_t) { return "oneDNN"; }
const char* device_description(ggml_backend_dev_t) {
  return "CPU through oneDNN and alref's kernels";
}
void device_memory(ggml_backend_dev_t, size_t* free, size_t* total) { *free = *total = 0; }
enum ggml_backend_dev_type device_type(ggml_backend_dev_t) {
  return GGML_BACKEND_DEVICE_TYPE_ACCEL;
}
void device_props(ggml_backend_dev_t device, ggml_backend_dev_props* props) {
  *props = {};
  props->name = device_name(device);
  props->description = device_description(device);
  props->type = device_type(device);
  props->caps.buffer_from_host_ptr = true;
}
ggml_backend_buffer_type_t device_buffer_type(ggml_backend_dev_t) {
  return ggml_backend_cpu_buffer_type();
}
ggml_backend_buffer_t device_buffer_from_host(ggml_backend_dev_t, void* data, size_t size, size_t) {
  return ggml_backend_cpu_buffer_from_ptr(data, size);
}
bool device_supports_op(ggml_backend_dev_t, const ggml_tensor* node) {
  return ggml_backend_dev_supports_op(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU), node);
}
bool device_supports_buffer(ggml_backend_dev_t, ggml_backend_buffer_type_t type) {
  return ggml_backend_buft_is_host(type);
}

// One for all backends, without state; not registered with ggml: only Device makes backends.
ggml_backend_device* device() {
  static ggml_backend_reg registry{
      .api_version = GGML_BACKEND_API_VERSION, .iface = {}, .context = nullptr};
  static ggml_backend_device device{.iface = {.get_name = device_name,
                                              .get_description = device_description,
                                              .get_memory = device_memory,
                                              .get_type = device_type,
                                              .get_props = device_props,
                                              .init_backend = nullptr,
                                              .get_buffer_type = device_buffer_type,
                                              .get_host_buffer_type = nullptr,
                                              .buffer_from_host_ptr = device_buffer_from_host,
                                              .supports_op = device_supports_op,
                                              .supports_buft = device_supports_buffer,
                                              .offload_op = nullptr,
                                              .event_new = nullptr,
                                              .event_free = nullptr,
                                              .event_synchronize = nullptr},
                                    .reg = &registry,
                                    .context = nullptr};
  return &device;
}

ggml_guid_t guid() {
  static ggml_guid id = {0x5a, 0x1d, 0x33, 0xc0, 0x8e, 0x47, 0x4b, 0x21,
                         0x9c, 0x6f, 0x02, 0xe9, 0x7d, 0xb4, 0x58, 0xa6};
  return &id;
}

}  // namespace

ggml_backend_t make_backend(const BackendOptions& options) {
  ggml_backend_i interface = {};
  interface.get_name = backend_name;
  interface.free = free_backend;
  interface.graph_compute = compute;
  interface.graph_optimize = optimize;
  auto state = std::make_unique<Backend>(options);
  return new ggml_backend{
      .guid = guid(), .iface = interface, .device = device(), .context = state.release()};
}

void forget_weights(ggml_backend_t backend, const void* begin, size_t bytes) {
  state(backend).weights.forget(begin, bytes);
  state(backend).primitives.forget(begin, bytes);
}

int64_t preparations(ggml_backend_t backend) { return state(backend).engine.preparations(); }

}  // namespace alref::compute::onednn
