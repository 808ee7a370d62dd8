// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/attention.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

#include "compute/onednn/attention_memory.h"
#include "compute/onednn/attention_rows.h"
#include "compute/onednn/attention_sums.h"
#include "compute/onednn/product.h"

namespace alref::compute::onednn {
namespace {

using kernels::BlockKernels;
using kernels::Panels;

// Up to here, and as far as the kernels take them at a time, all keys are one block, and nothing
// has to be rescaled.
constexpr int64_t kKeysAtOnce = 384;
// So few queries are one block, which alone would keep one thread busy: they meet chunks of so many
// keys at the same time, and what the chunks give is put together, so many rows at a time.
constexpr int64_t kFewQueries = 64, kChunkKeys = 1024, kJoined = 16;

// One task is one head of one batch entry or window. `Rows` says where its rows are
// (attention_rows.h).
template <class Rows>
class Attention {
 public:
  Attention(Engine& engine, const Rows& rows)
      : engine_(engine),
        rows_(rows),
        kernels_(*engine.fast()),
        key_block_(rows.keys <= std::max(kKeysAtOnce, kernels_.keys) ? rows.keys : kernels_.keys),
        key_blocks_((rows.keys + key_block_ - 1) / key_block_),
        query_block_(block_of_queries()),
        k_block_bytes_(kernels_.packed_bytes(rows.d, key_block_)),
        v_block_bytes_(kernels_.packed_bytes(key_block_, rows.dv)) {}

  void run() {
    if (by_chunks()) return run_chunks();
    // Each thread its own heads where there are enough of them, else all threads on one head after
    // another.
    if (rows_.tasks >= 4 * engine_.threads() || rows_.most_queries <= query_block_) {
      run_heads();
    } else {
      for (int64_t task = 0; task < rows_.tasks; ++task) run_head(task);
    }
  }

 private:
  // More queries gain by chunks where their blocks are too few to keep all threads busy. Windows
  // have few keys.
  bool by_chunks() const {
    if (!std::is_same_v<Rows, BatchRows> || key_blocks_ <= chunk_blocks()) return false;
    return rows_.most_queries <= kFewQueries ||
           (rows_.most_queries <= query_block_ && rows_.tasks < engine_.threads());
  }

  struct Parts : Sums {
    std::byte* queries;
    const void** pointers;
    float* scratch;  // at_once(); otherwise Sums and
    std::byte* weights[2];
    float* scores[2];
  };

  using Wanted = std::span<const kernels::MemoryRange>;

  bool at_once() const { return key_blocks_ == 1 && kernels_.attend; }
  int64_t chunk_blocks() const { return std::max<int64_t>(1, kChunkKeys / kernels_.keys); }

  // Blocks of nearly one size, as many for each thread.
  int64_t block_of_queries() const {
    const int64_t most = kernels_.strip_rows * kernels_.strips;
    if (rows_.most_queries <= most) return rows_.most_queries;
    const auto divided = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
    const int64_t blocks =
        divided(rows_.most_queries, most * engine_.threads()) * engine_.threads();
    return divided(divided(rows_.most_queries, blocks), kernels_.strip_rows) * kernels_.strip_rows;
  }

  int64_t query_stride() const { return block_stride(kernels_, rows_.d); }
  int64_t weight_stride() const { return block_stride(kernels_, key_block_); }
  int64_t score_stride() const { return (key_block_ + 15) / 16 * 16 + 16; }
  int64_t result_stride() const { return (rows_.dv + 15) / 16 * 16 + 16; }
  bool direct() const { return key_blocks_ == 1 && rows_.result_stride != 0; }

  Parts parts(Carver& carver) const {
    const auto rows =
        static_cast<size_t>((query_block_ + 15) / 16 * 16);  // products read whole tiles
    const auto strip = std::min(rows, static_cast<size_t>((kernels_.strip_rows + 15) / 16 * 16));
    Parts p{};
    p.queries = carver.take(rows * static_cast<size_t>(query_stride()) * kernels_.element_bytes);
    p.pointers = carver.take<const void*>(static_cast<size_t>(std::max(key_block_, query_block_)));
    if (at_once()) {
      p.scratch = carver.take<float>(kernels::KeysAtOnce::scratch_floats(rows_.keys, rows_.dv));
      return p;
    }
    for (std::byte*& weights : p.weights) {
      weights = carver.take(strip * static_cast<size_t>(weight_stride()) * kernels_.element_bytes);
    }
    for (float*& scores : p.scores)
      scores = carver.take<float>(strip * static_cast<size_t>(score_stride()));
    static_cast<Sums&>(p) = sums_of(carver);
    return p;
  }

  Sums sums_of(Carver& carver) const {
    const auto rows = static_cast<size_t>((query_block_ + 15) / 16 * 16);
    Sums p;
    p.result = carver.take<float>(direct() ? 0 : rows * static_cast<size_t>(result_stride()));
    p.tops = carver.take<float>(rows);
    p.sums = carver.take<float>(rows);
    return p;
  }

  size_t packed_bytes() const {
    return static_cast<size_t>(key_blocks_) * (k_block_bytes_ + v_block_bytes_);
  }
  std::byte* packed_keys(std::byte* packed, int64_t block) const {
    return packed + static_cast<size_t>(block) * (k_block_bytes_ + v_block_bytes_);
  }
  std::byte* packed_values(std::byte* packed, int64_t block) const {
    return packed_keys(packed, block) + k_block_bytes_;
  }
  int64_t keys_in(int64_t block) const {
    return std::min(key_block_, rows_.keys - block * key_block_);
  }

  void pack(int64_t task, int64_t block, std::byte* packed, const void** pointers) const {
    pack_block(kernels_, rows_, task, block * key_block_, keys_in(block), packed,
               packed + k_block_bytes_, pointers);
  }

  // Some rows of a task, and some blocks of its keys, which are packed one after the other.
  struct Work {
    int64_t task, first, count;
    int64_t begin, end;
    std::byte* packed;
  };

  // A strip of queries and a block of keys: the unit of work.
  struct Item {
    int64_t row, rows;  // within the block of queries
    int64_t block, keys;
    int64_t buffer;
  };

  // Block of keys by block of keys, strip by strip. While one item is multiplied, the vector units
  // turn the scores of the one before into weights, where the kernels can do both at once.
  void accumulate(const Work& w, const Parts& p) const {
    const int64_t strips = (w.count + kernels_.strip_rows - 1) / kernels_.strip_rows,
                  items = (w.end - w.begin) * strips;
    const auto item = [&](int64_t i) {
      const int64_t row = i % strips * kernels_.strip_rows, block = w.begin + i / strips;
      return Item{row, std::min(kernels_.strip_rows, w.count - row), block, keys_in(block), i % 2};
    };
    rows_.query_rows(w.task, w.first, w.count, p.pointers);
    reading(kernels_, rows_.q).convert(p.pointers, w.count, rows_.d, p.queries, query_stride());

    if (strips == 1) {  // softmax rescales the result that the values of the block before are added
                        // to: nothing overlaps
      for (int64_t i = 0; i < items; ++i) {
        score(w, item(i), p, nullptr);
        kernels_.softmax(softmax(w, item(i), p));
        weigh(w, item(i), p, nullptr);
      }
    } else {
      for (int64_t i = 0; i < items + 2; ++i) {
        kernels::SoftmaxBlock half[2] = {};  // in the proportion of the products
        if (i >= 1 && i <= items) {
          half[0] = half[1] = softmax(w, item(i - 1), p);
          half[0].end = half[1].begin = half[0].end * rows_.d / (rows_.d + rows_.dv);
        }
        i < items ? score(w, item(i), p, &half[0]) : kernels_.softmax(half[0]);
        i >= 2 ? weigh(w, item(i - 2), p, &half[1]) : kernels_.softmax(half[1]);
      }
    }
  }

  Work work(int64_t task, int64_t query_block, std::byte* packed) const {
    const int64_t first = query_block * query_block_;
    return {task, first,       std::min(query_block_, rows_.queries(task) - first),
            0,    key_blocks_, packed};
  }

  void attend(const Work& w, const Parts& p, Wanted ahead) const {
    if (at_once()) return attend_at_once(w, p, ahead);
    accumulate(w, p);
    if (!direct()) store(w, p);
  }

  void attend_at_once(const Work& w, const Parts& p, Wanted ahead) const {
    rows_.query_rows(w.task, w.first, w.count, p.pointers);
    reading(kernels_, rows_.q).convert(p.pointers, w.count, rows_.d, p.queries, query_stride());
    rows_.result_rows(w.task, w.first, w.count, p.pointers);
    kernels::SoftmaxBlock added{};
    rows_.add(added, w.task, w.first, 0);
    kernels_.attend({.queries = p.queries,
                     .queries_stride = query_stride(),
                     .rows = w.count,
                     .keys = rows_.keys,
                     .d = rows_.d,
                     .dv = rows_.dv,
                     .packed_keys = packed_keys(w.packed, 0),
                     .packed_values = packed_values(w.packed, 0),
                     .scale = rows_.scale,
                     .bias = added.bias,
                     .bias_stride = added.bias_stride,
                     .mask = added.mask,
                     .mask_stride = added.mask_stride,
                     .results = const_cast<void* const*>(p.pointers),
                     .elements = rows_.out->type != GGML_TYPE_F32,
                     .stream = rows_.stream,
                     .scratch = p.scratch,
                     .ahead = ahead.data(),
                     .ahead_count = static_cast<int64_t>(ahead.size())});
  }

  // Rows of sums, scaled if they still have to be.
  void store(const Work& w, const Parts& p) const {
    if (key_blocks_ > 1) invert(p.sums, w.count);
    rows_.result_rows(w.task, w.first, w.count, p.pointers);
    kernels_.scatter(p.result, result_stride(), key_blocks_ > 1 ? p.sums : nullptr, w.count,
                     rows_.dv, const_cast<void* const*>(p.pointers),
                     rows_.out->type != GGML_TYPE_F32);
  }

  void score(const Work& w, const Item& i, const Parts& p,
             const kernels::SoftmaxBlock* meanwhile) const {
    kernels_.product(
        p.queries + static_cast<size_t>(i.row * query_stride()) * kernels_.element_bytes,
        query_stride(), i.rows, packed_keys(w.packed, i.block - w.begin), rows_.d,
        (i.keys + 15) / 16 * 16, 0, Panels(i.keys).count(), p.scores[i.buffer], score_stride(), {},
        meanwhile);
  }

  kernels::SoftmaxBlock softmax(const Work& w, const Item& i, const Parts& p) const {
    kernels::SoftmaxBlock s{
        .begin = 0,
        .end = i.rows,
        .keys = i.keys,
        .scale = rows_.scale,
        .scores = p.scores[i.buffer],
        .scores_stride = score_stride(),
        .tops = p.tops + i.row,
        .sums = p.sums + i.row,
        .weights = p.weights[i.buffer],
        .weights_stride = weight_stride(),
        .result = i.block > w.begin ? p.result + i.row * result_stride() : nullptr,
        .result_stride = result_stride(),
        .columns = rows_.dv};
    rows_.add(s, w.task, w.first + i.row, i.block * key_block_);
    return s;
  }

  void weigh(const Work& w, const Item& i, const Parts& p,
             const kernels::SoftmaxBlock* meanwhile) const {
    kernels::Epilogue e;
    if (key_blocks_ == 1) {
      invert(p.sums + i.row, i.rows);
      e.row_scale = p.sums + i.row;
    }
    e.accumulate = i.block > w.begin;
    e.stream = direct() && rows_.stream;
    float* result = p.result + i.row * result_stride();
    if (direct()) {
      result = static_cast<float*>(rows_.result(w.task, w.first + i.row));
      if (rows_.out->type != GGML_TYPE_F32) {
        e.elements = result;
        e.elements_stride = rows_.result_stride;
      }
    }
    kernels_.product(p.weights[i.buffer], weight_stride(), i.rows,
                     packed_values(w.packed, i.block - w.begin), i.keys, rows_.dv, 0,
                     Panels(rows_.dv).count(), result,
                     direct() ? rows_.result_stride : result_stride(), e, meanwhile);
  }

  // Where nothing is attended to, the result is 0.
  static void invert(float* sums, int64_t rows) {
    for (int64_t i = 0; i < rows; ++i) sums[i] = sums[i] == 0 ? 0 : 1 / sums[i];
  }

  int64_t query_blocks(int64_t task) const {
    return (rows_.queries(task) + query_block_ - 1) / query_block_;
  }

  void run_heads() {
    const int64_t ranges = key_blocks_ > 1 ? 0 : 2 * key_block_ + query_block_;
    const auto memory = [&](Carver& carver) {
      return std::tuple{carver.take(packed_bytes()), parts(carver),
                        carver.take<kernels::MemoryRange>(static_cast<size_t>(ranges))};
    };
    Carver sizes;
    memory(sizes);
    engine_.reserve_thread_scratch(sizes.used());
    // Tasks that are neighbours in memory stay on one thread, where there are enough of them.
    const int64_t windows = rows_.tasks / rows_.heads;
    const int64_t group = windows < 8 * engine_.threads()
                              ? 1
                              : rows_.heads * std::clamp<int64_t>(16 / rows_.heads, 1, 4);
    engine_.parallel((rows_.tasks + group - 1) / group, [&](int64_t item, int thread) {
      Carver carver(engine_.thread_scratch(thread));
      const auto [packed, p, wanted] = memory(carver);
      for (int64_t task = item * group; task < std::min(rows_.tasks, (item + 1) * group); ++task) {
        for (int64_t block = 0; block < key_blocks_; ++block)
          pack(task, block, packed_keys(packed, block), p.pointers);
        const Wanted next =
            key_blocks_ > 1 ? Wanted() : wanted_next(rows_, task, query_block_, p.pointers, wanted);
        if (!at_once()) prefetch(next);
        for (int64_t block = 0; block < query_blocks(task); ++block)
          attend(work(task, block, packed), p, block == 0 ? next : Wanted());
      }
    });
  }

  void run_head(int64_t task) {
    std::byte* packed = engine_.shared_scratch(packed_bytes());
    Carver sizes;
    parts(sizes);
    engine_.reserve_thread_scratch(sizes.used());
    engine_.parallel(key_blocks_, [&](int64_t block, int thread) {
      Carver carver(engine_.thread_scratch(thread));
      const Parts p = parts(carver);
      pack(task, block, packed_keys(packed, block), p.pointers);
    });
    engine_.parallel(query_blocks(task), [&](int64_t block, int thread) {
      Carver carver(engine_.thread_scratch(thread));
      attend(work(task, block, packed), parts(carver), {});
    });
  }

  void run_chunks() {
    const int64_t chunk = chunk_blocks(), chunks = (key_blocks_ + chunk - 1) / chunk;
    const auto parts_of_all = [&](Carver carver) {  // of each chunk of each task
      std::vector<Sums> all(static_cast<size_t>(rows_.tasks * chunks));
      for (Sums& sums : all) sums = sums_of(carver);
      return std::pair(all, carver.used());
    };
    const size_t bytes = parts_of_all(Carver()).second;
    const std::vector<Sums> all = parts_of_all(Carver(engine_.shared_scratch(bytes))).first;
    const auto work_of = [&](int64_t item, std::byte* packed) {
      const int64_t task = item / chunks, begin = item % chunks * chunk;
      return Work{task,  0, rows_.queries(task), begin, std::min(begin + chunk, key_blocks_),
                  packed};
    };
    const size_t packed_chunk = static_cast<size_t>(chunk) * (k_block_bytes_ + v_block_bytes_);
    Carver sizes;
    sizes.take(packed_chunk);
    parts(sizes);
    engine_.reserve_thread_scratch(sizes.used());
    engine_.parallel(rows_.tasks * chunks, [&](int64_t item, int thread) {
      Carver carver(engine_.thread_scratch(thread));
      const Work w = work_of(item, carver.take(packed_chunk));
      Parts p = parts(carver);
      static_cast<Sums&>(p) = all[static_cast<size_t>(item)];
      for (int64_t block = w.begin; block < w.end; ++block)
        pack(w.task, block, packed_keys(w.packed, block - w.begin), p.pointers);
      accumulate(w, p);
    });
    const int64_t blocks = (rows_.most_queries + kJoined - 1) / kJoined;
    engine_.parallel(rows_.tasks * blocks, [&](int64_t item, int thread) {
      Carver carver(engine_.thread_scratch(thread));
      Work w = work_of(item / blocks * chunks, nullptr);
      w.first = item % blocks * kJoined;
      w.count = std::min(kJoined, w.count - w.first);
      const auto own =
          std::span(all).subspan(static_cast<size_t>(w.task * chunks), static_cast<size_t>(chunks));
      join(own, w.first, w.count, rows_.dv, result_stride());
      Parts p = parts(carver);
      p.result = own.front().result + w.first * result_stride();
      p.sums = own.front().sums + w.first;
      store(w, p);
    });
  }

  Engine& engine_;
  const Rows& rows_;
  const BlockKernels& kernels_;
  int64_t key_block_, key_blocks_, query_block_;
  size_t k_block_bytes_, v_block_bytes_;
};

}  // namespace

void run_attention(Engine& engine, const AttentionOp& op, ggml_tensor* node) {
  Attention(engine, BatchRows(op, node)).run();
}

void run_window_attention(Engine& engine, const WindowAttentionOp& op, ggml_tensor* node) {
  Attention(engine, WindowRows(*engine.fast(), op, node)).run();
}

}  // namespace alref::compute::onednn
