// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/narrowing.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace alref::compute::onednn {
namespace {

/// A node, the views of it, and who reads any of them.
struct Shared {
  struct Reader {
    const ggml_tensor* node;
    int slot;
  };
  std::vector<ggml_tensor*> views;  // also node itself
  std::vector<Reader> readers;      // views aside
  int unseen = 0;                   // uses by nodes that are not of this graph
  bool output = false;
};

bool is_view(const ggml_tensor* node) {
  return node->op == GGML_OP_VIEW || node->op == GGML_OP_RESHAPE || node->op == GGML_OP_PERMUTE ||
         node->op == GGML_OP_TRANSPOSE;
}

const ggml_tensor* owner(const ggml_tensor* t) { return t->view_src ? t->view_src : t; }

std::unordered_map<const ggml_tensor*, Shared> shared_of(const ggml_cgraph* graph) {
  std::unordered_map<const ggml_tensor*, Shared> all;
  for (int i = 0; i < graph->n_nodes; ++i) {
    ggml_tensor* node = graph->nodes[i];
    Shared& own = all[owner(node)];
    own.views.push_back(node);
    own.unseen += ggml_node_get_use_count(graph, i);
    own.output |= (node->flags & GGML_TENSOR_FLAG_OUTPUT) != 0;
    for (int slot = 0; slot < GGML_MAX_SRC; ++slot) {
      if (!node->src[slot]) continue;
      Shared& read = all[owner(node->src[slot])];
      --read.unseen;
      if (!is_view(node)) read.readers.push_back({node, slot});
    }
  }
  return all;
}

void make_bf16(const Shared& shared) {
  for (ggml_tensor* view : shared.views) {
    view->type = GGML_TYPE_BF16;
    for (size_t& stride : view->nb) stride /= 2;
    view->view_offs /= 2;
  }
}

}  // namespace

void narrow(ggml_cgraph* graph, const NarrowingRules& rules) {
  const auto all = shared_of(graph);
  // Backwards, since some nodes read bf16 only where they store it, too.
  for (int i = graph->n_nodes - 1; i >= 0; --i) {
    const ggml_tensor* node = graph->nodes[i];
    if (node->type != GGML_TYPE_F32 || node->view_src || !rules.stores(i)) continue;
    const Shared& shared = all.at(node);
    if (shared.output || shared.unseen != 0 || shared.readers.empty() ||
        !std::ranges::all_of(shared.readers, [&](const Shared::Reader& reader) {
          return rules.reads(reader.node, reader.slot);
        }))
      continue;
    for (int j = rules.begins(i); j <= i; ++j) {
      if (!graph->nodes[j]->view_src) make_bf16(all.at(graph->nodes[j]));
    }
  }
}

}  // namespace alref::compute::onednn
