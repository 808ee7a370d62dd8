// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/fusion.h"

#include <algorithm>
#include <cstring>

#include "compute/ops/rope_op.h"

namespace alref::compute::onednn {
namespace {

// Whether a node's only reader is the next one, so that it need not be stored.
bool only_feeds_next(const ggml_cgraph* graph, int i) {
  const ggml_tensor* node = graph->nodes[i];
  if (node->flags & GGML_TENSOR_FLAG_OUTPUT) return false;
  if (node->view_src && node->op != GGML_OP_RESHAPE) return false;
  return ggml_node_get_use_count(graph, i) == 1;
}

bool is_row(const ggml_tensor* t, int64_t n) {
  return t->type == GGML_TYPE_F32 && t->ne[0] == n && ggml_nelements(t) == n &&
         t->nb[0] == sizeof(float);
}

bool is_plain(const ggml_tensor* t) { return t->type == GGML_TYPE_F32 && ggml_is_contiguous(t); }

bool overlap(const ggml_tensor* a, const ggml_tensor* b) {
  const auto *a0 = static_cast<const char*>(a->data), *b0 = static_cast<const char*>(b->data);
  return a0 < b0 + ggml_nbytes(b) && b0 < a0 + ggml_nbytes(a);
}

const ggml_tensor* other_operand(const ggml_tensor* node, const ggml_tensor* operand) {
  if (node->src[0] == operand && node->src[1] != operand) return node->src[1];
  return node->src[1] == operand && node->src[0] != operand ? node->src[0] : nullptr;
}

// Whether `linear` may be stored to `node`'s memory while blocks of its operands are still to be
// read. A residual that stands exactly there is read right before it is overwritten.
bool may_store(const Linear& linear, const ggml_tensor* node) {
  if (!ggml_is_contiguous(node) || overlap(node, linear.rows()) ||
      overlap(node, linear.product->src[0]))
    return false;
  const auto reads = [&](const ggml_tensor* operand) { return operand && overlap(node, operand); };
  if (linear.sum && overlap(node, linear.sum->src[1])) return false;
  const auto norm_reads = [&](const Norm& norm) { return reads(norm.weight) || reads(norm.bias); };
  if (reads(linear.bias) || (linear.norm && norm_reads(*linear.norm)) ||
      std::any_of(linear.after.begin(), linear.after.end(), norm_reads))
    return false;
  return !linear.residual || !overlap(node, linear.residual) || node->data == linear.residual->data;
}

// Adds `node`, which reads `before`, to the chain if it is a step that a product's end can take.
bool extend(Linear& linear, const ggml_tensor* node, const ggml_tensor* before) {
  const int64_t n = linear.product->ne[0];
  if (linear.residual || !linear.after.empty() || linear.rope) return false;
  if (node->op == GGML_OP_UNARY) {
    const ggml_unary_op op = ggml_get_unary_op(node);
    if (linear.activation != kernels::Activation::kNone ||
        (op != GGML_UNARY_OP_GELU_ERF && op != GGML_UNARY_OP_RELU)) {
      return false;
    }
    linear.activation =
        op == GGML_UNARY_OP_RELU ? kernels::Activation::kRelu : kernels::Activation::kGelu;
    return true;
  }
  if (node->op != GGML_OP_ADD) return false;
  const ggml_tensor* other = other_operand(node, before);
  if (!other || !ggml_are_same_shape(node, before)) return false;
  if (!linear.bias && linear.activation == kernels::Activation::kNone && node->ne[0] == n &&
      is_row(other, n) && before->ne[0] == n && ggml_nrows(before) > 1) {
    linear.bias = other;
    return true;
  }
  if (is_plain(other) && ggml_are_same_shape(other, node)) {
    linear.residual = other;
    return true;
  }
  return false;
}

// Whether the layer norm at `node` may be taken while its rows are in the caches: worth it where
// all of them would not be.
bool may_normalize(const Linear& linear, const ggml_tensor* node, const ggml_tensor* before) {
  const ggml_tensor* weight = linear.product->src[0];
  return node->op == GGML_OP_NORM && node->src[0] == before &&
         node->ne[0] == linear.product->ne[0] && is_weight(weight) && ggml_n_dims(weight) == 2 &&
         is_plain(before) && ggml_nelements(node) >= kLargeResult;
}

// Whether `node` is a rotary encoding of `before` alone that may be taken while rows are in the
// caches.
bool may_rotate(const Linear& linear, const ggml_tensor* node, const ggml_tensor* before) {
  const ggml_tensor *weight = linear.product->src[0], *table = node->src[1];
  return dynamic_cast<const RopeOp*>(custom_op_of(node)) && node->src[0] == before &&
         is_weight(weight) && ggml_n_dims(weight) == 2 && node->ne[0] == linear.product->ne[0] &&
         node->ne[0] % 32 == 0 && linear.after.empty() && is_plain(table);
}

// The longest chain from the product at node `i` that may be stored.
std::optional<Fused<Linear>> linear_chain(const ggml_cgraph* graph, int i,
                                          const std::optional<Norm>& norm, const ggml_tensor* sum,
                                          bool allocated, bool norms = true) {
  Linear chain{.norm = norm, .sum = sum, .product = graph->nodes[i], .result = graph->nodes[i]};
  std::optional<Fused<Linear>> best;
  // A product never overlaps its own operands, but what its norm or sum reads is none of them.
  if ((!norm && !sum) || !allocated || may_store(chain, chain.result)) best = {chain, i + 1};
  for (int j = i; j + 1 < graph->n_nodes && only_feeds_next(graph, j); ++j) {
    ggml_tensor *before = graph->nodes[j], *node = graph->nodes[j + 1];
    if (node->op == GGML_OP_RESHAPE && node->src[0] == before) {
      continue;  // the same memory under another shape
    }
    if (norms && !chain.rope && may_normalize(chain, node, before)) {
      const auto [after, end] = fuse_norm(graph, j + 1, /*allocated=*/false);
      chain.after.push_back(after);
      chain.result = after.result;
      j = end - 2;
    } else if (norms && !chain.rope && may_rotate(chain, node, before)) {
      chain.rope = chain.result = node;
    } else if ((node->src[0] == before || node->src[1] == before) && extend(chain, node, before)) {
      chain.result = node;
    } else {
      break;
    }
    if (!allocated || may_store(chain, chain.result)) best = {chain, j + 2};
  }
  return best;
}

// The product by weights at node `i`, or later behind reshapes, if it is the only reader of node i
// - 1; else 0.
int only_reader(const ggml_cgraph* graph, int i) {
  if (!only_feeds_next(graph, i - 1)) return 0;
  while (i + 1 < graph->n_nodes && graph->nodes[i]->op == GGML_OP_RESHAPE &&
         only_feeds_next(graph, i))
    ++i;
  const ggml_tensor* product = i < graph->n_nodes ? graph->nodes[i] : nullptr;
  const bool reads =
      product && product->op == GGML_OP_MUL_MAT && product->src[1] == graph->nodes[i - 1];
  return reads && is_weight(product->src[0]) && ggml_n_dims(product->src[0]) == 2 ? i : 0;
}

// The product that begins at node `i`: the node itself, or the one that alone reads the layer norm
// or the sum there.
struct Start {
  std::optional<Norm> norm;
  const ggml_tensor* sum;
  int product;  // 0: there is none
};
Start start_of(const ggml_cgraph* graph, int i) {
  const ggml_tensor* node = graph->nodes[i];
  if (node->op == GGML_OP_MUL_MAT) return {std::nullopt, nullptr, i};
  if (node->op == GGML_OP_ADD) {
    const ggml_tensor *a = node->src[0], *b = node->src[1];
    const bool alike = is_plain(a) && is_plain(b) && ggml_are_same_shape(a, b);
    return {std::nullopt, node, alike && i + 1 < graph->n_nodes ? only_reader(graph, i + 1) : 0};
  }
  if (node->op != GGML_OP_NORM) return {std::nullopt, nullptr, 0};
  const auto [norm, next] = fuse_norm(graph, i, /*allocated=*/false);
  return {norm, nullptr, is_plain(norm.x) ? only_reader(graph, next) : 0};
}

}  // namespace

std::optional<Fused<Linear>> fuse_linear(const ggml_cgraph* graph, int i, bool allocated,
                                         bool norms) {
  const auto [norm, sum, product] = start_of(graph, i);
  const bool is_product = graph->nodes[i]->op == GGML_OP_MUL_MAT;
  if (!is_product && (product == 0 || !norms)) return std::nullopt;
  return linear_chain(graph, product, norm, sum, allocated, norms);
}

std::optional<Fused<Mlp>> fuse_mlp(const ggml_cgraph* graph, int i, bool allocated) {
  const auto begin = fuse_linear(graph, i, /*allocated=*/false);
  if (!begin) return std::nullopt;
  const auto& [first, next] = *begin;
  if (first.activation == kernels::Activation::kNone || first.residual || !first.after.empty() ||
      first.rope || !is_weight(first.product->src[0]))
    return std::nullopt;
  const int j = only_reader(graph, next);
  if (j == 0) return std::nullopt;
  const ggml_tensor* product = graph->nodes[j];
  if (std::memcmp(product->op_params, first.product->op_params, sizeof(product->op_params)) != 0)
    return std::nullopt;
  // Smaller ones stay in the caches anyway; multiples of 32 need no zeros behind them.
  const int64_t hidden = first.product->ne[0];
  if (hidden % 32 != 0 || hidden * ggml_nrows(first.rows()) < 1 << 20) return std::nullopt;
  const auto [second, end] = *linear_chain(graph, j, std::nullopt, nullptr, allocated);
  if (allocated && !may_store(first, second.result)) return std::nullopt;
  return Fused<Mlp>{{first, second}, end};
}

Fused<Norm> fuse_norm(const ggml_cgraph* graph, int i, bool allocated) {
  ggml_tensor* norm = graph->nodes[i];
  Norm chain{.x = norm->src[0], .eps = 0, .result = norm};
  std::memcpy(&chain.eps, norm->op_params, sizeof(float));
  Fused<Norm> best{chain, i + 1};
  const int64_t n = norm->ne[0];
  const auto may_store_norm = [&](const ggml_tensor* node) {
    return is_plain(node) &&
           (!overlap(node, chain.x) || (node->data == chain.x->data && is_plain(chain.x))) &&
           (!chain.weight || !overlap(node, chain.weight)) &&
           (!chain.bias || !overlap(node, chain.bias));
  };
  for (int j = i; j + 1 < graph->n_nodes && only_feeds_next(graph, j) && !chain.bias; ++j) {
    ggml_tensor *before = graph->nodes[j], *node = graph->nodes[j + 1];
    const ggml_tensor* other = other_operand(node, before);
    if (!other || !is_row(other, n) || !ggml_are_same_shape(node, before)) break;
    if (node->op == GGML_OP_MUL && !chain.weight) {
      chain.weight = other;
    } else if (node->op == GGML_OP_ADD) {
      chain.bias = other;
    } else {
      break;
    }
    chain.result = node;
    if (!allocated || may_store_norm(node)) best = {chain, j + 2};
  }
  return best;
}

ggml_tensor* fuse_sum(const ggml_cgraph* graph, int i, const ggml_tensor* x) {
  if (i + 1 >= graph->n_nodes || !only_feeds_next(graph, i)) return nullptr;
  ggml_tensor *node = graph->nodes[i], *sum = graph->nodes[i + 1];
  if (sum->op != GGML_OP_ADD || !is_plain(sum)) return nullptr;
  const ggml_tensor* other = other_operand(sum, node);
  return other && is_plain(other) && ggml_are_same_shape(other, node) && !overlap(sum, x) ? sum
                                                                                          : nullptr;
}

std::vector<Lifetime> lifetimes_of_chain(const ggml_cgraph* graph, int i) {
  ggml_tensor* node = graph->nodes[i];
  const bool sum = node->op == GGML_OP_ADD;
  if (node->op != GGML_OP_MUL_MAT && node->op != GGML_OP_NORM && !sum) return {};
  ggml_tensor* operand = node->src[node->op == GGML_OP_MUL_MAT ? 1 : 0];
  const auto mlp = fuse_mlp(graph, i, /*allocated=*/false);
  const auto linear = mlp ? Fused<Linear>{mlp->pattern.second, mlp->end}
                          : fuse_linear(graph, i, /*allocated=*/false);
  if (!linear && sum) return {};
  if (!linear) {
    ggml_tensor* normed = fuse_norm(graph, i, /*allocated=*/false).pattern.result;
    return normed != node ? std::vector<Lifetime>{{operand, normed}} : std::vector<Lifetime>{};
  }
  const auto& chain = linear->pattern;
  if (chain.result == node) return {};
  std::vector<Lifetime> lifetimes = {{operand, chain.result}};
  if (sum) lifetimes.push_back({node->src[1], chain.result});
  // A sum may take its residual's place, what is made of sums only by chance.
  if (chain.residual && (!chain.after.empty() || chain.rope))
    lifetimes.push_back({const_cast<ggml_tensor*>(chain.residual), chain.result});
  return lifetimes;
}

}  // namespace alref::compute::onednn
