// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// Inner loops for AVX-512 and AMX, on plain memory: what runs within one thread on data that fits
/// its cache. They know nothing of tensors or graphs; compute/onednn cuts the work into such
/// blocks. Where the processor lacks the instructions there are none (block_kernels returns null),
/// and oneDNN's primitives do the work.
namespace alref::compute::kernels {

/// What products multiply; sums are f32 either way.
enum class Element { kF32, kBf16 };

enum class Activation {
  kNone,
  kRelu,
  kGelu,
  kSigmoid,  ///< of rows only, not after a product
};

/// What happens to a product before it is stored: c = residual + activation(row_scale * product +
/// bias).
struct Epilogue {
  const float* bias = nullptr;       ///< [n]
  const float* row_scale = nullptr;  ///< [m]
  Activation activation = Activation::kNone;
  const float* residual = nullptr;  ///< [m, n]
  std::ptrdiff_t residual_stride = 0;
  bool accumulate = false;  ///< adds the product to what c holds; not with an activation
  /// Stores past the caches, for results that do not fit them; c and its rows must be multiples of
  /// 64 bytes and n of 16.
  bool stream = false;
  /// Where the results are stored instead of c: [m, n] of Element, what the next product takes.
  void* elements = nullptr;
  std::ptrdiff_t elements_stride = 0;

  /// Whether nothing follows the sums: no scale, bias, activation or residual.
  bool plain() const;
};

constexpr int64_t kPanelColumns = 64;  ///< at most

/// A packed right-hand side stands in panels of 16 to 64 columns, each [k, columns]; bf16 panels
/// hold two steps of k side by side; for AMX, each 16 columns of a panel are a panel of their own
/// within it. Panels are as wide as the registers allow, and all of nearly one width.
struct Panels {
  explicit Panels(int64_t n);

  int64_t count() const { return fours + threes + (last ? 1 : 0); }
  /// In vectors of 16 columns.
  int64_t width(int64_t panel) const {
    return panel < fours ? 4 : panel < fours + threes ? 3 : last;
  }
  int64_t begin(int64_t panel) const {
    if (panel <= fours) return 4 * panel;
    return panel <= fours + threes ? 4 * fours + 3 * (panel - fours) : vectors;
  }

  int64_t vectors, fours, threes, last;
};

/// One block of attention's softmax, kept online: scores become weights 2^(scale * s + ... - top),
/// tops and sums go on from block to block, and what was summed under a lower top is scaled down.
struct SoftmaxBlock {
  int64_t begin, end;  ///< rows that are to be done; all pointers belong to row 0
  int64_t keys;
  float scale;
  float* scores;  ///< [rows, keys rounded up to 16]; overwritten
  std::ptrdiff_t scores_stride;
  const float* bias = nullptr;  ///< [rows, keys], added to scale * score; null: none
  std::ptrdiff_t bias_stride = 0;
  const float* mask = nullptr;  ///< the same
  std::ptrdiff_t mask_stride = 0;
  float* tops;    ///< [rows], in units of log 2
  float* sums;    ///< [rows]
  void* weights;  ///< [rows, keys rounded up to 16 and to k_multiple] of Element, the rest zeros
  std::ptrdiff_t weights_stride;
  float*
      result;  ///< [rows, columns] summed so far; null in the first block, which sets tops and sums
  std::ptrdiff_t result_stride;
  int64_t columns;
};

/// Memory that is wanted soon.
struct MemoryRange {
  const std::byte *begin, *end;
};

/// Attention of a head's queries to all its keys, which are one block. What is packed is packed
/// as for products; queries are elements, and their memory goes on to the next multiple of 16 rows.
struct KeysAtOnce {
  const void* queries;  ///< [rows, d]
  std::ptrdiff_t queries_stride;
  int64_t rows, keys, d, dv;
  const void *packed_keys, *packed_values;
  float scale;
  const float* bias = nullptr;  ///< [rows, keys], added to scale * score; null: none
  std::ptrdiff_t bias_stride = 0;
  const float* mask = nullptr;  ///< the same
  std::ptrdiff_t mask_stride = 0;
  void* const* results;   ///< where each row goes; null: nowhere
  bool elements, stream;  ///< rows of Element, or f32 past the caches (Epilogue::stream)
  float* scratch;         ///< scratch_floats(), on a cache line
  /// Asked for meanwhile, a few cache lines at a time.
  const MemoryRange* ahead = nullptr;
  int64_t ahead_count = 0;

  static size_t scratch_floats(int64_t keys, int64_t dv) {
    return static_cast<size_t>(16 * (4 * ((keys + 31) / 32 * 32) + 2 * ((dv + 15) / 16 * 16)));
  }
};

/// y = (x - mean) / sqrt(variance + eps) * weight + bias over the values of a row.
struct RowNorm {
  float eps;
  const float* weight = nullptr;
  const float* bias = nullptr;
};

/// How a product's operands are read from rows of one type.
struct OperandKernels {
  /// Rows of n values as elements, `stride` apart; zeros follow up to the next multiple of 16
  /// and of k_multiple.
  void (*convert)(const void* const* rows, int64_t count, int64_t n, void* y,
                  std::ptrdiff_t stride);
  /// One panel of `width` vectors out of b [columns, k] (a weight [out, in], or keys), given row by
  /// row; missing columns become zeros.
  void (*pack_transposed)(const void* const* b, int64_t k, int64_t columns, int64_t width,
                          void* panel);
  /// One panel out of columns [begin, begin + columns) of b [k, ...], given row by row.
  void (*pack)(const void* const* b, int64_t begin, int64_t k, int64_t columns, int64_t width,
               void* panel);
  /// y[i] is the largest of the four rows' i-th values, as f32 or, if `elements`, as Element. NaN
  /// as std::max has it: the first operand.
  void (*largest)(const void* const* rows, int64_t n, void* y, bool elements);
};

/// Products of one element type. Strides are in elements.
struct BlockKernels {
  Element element;
  size_t element_bytes;
  int64_t k_multiple;    ///< k is rounded up to this, with zeros
  int64_t row_multiple;  ///< blocks of so many rows are computed without a rest
  /// Attention keeps strips * strip_rows queries in the second-level cache and multiplies
  /// strip_rows at a time with so many keys.
  int64_t strip_rows, strips, keys;

  OperandKernels from_f32, from_elements;
  /// What from_f32.convert does, of the norms of rows of f32.
  void (*normalize)(const void* const* rows, int64_t count, int64_t n, const RowNorm& norm, void* y,
                    std::ptrdiff_t stride);
  /// The same of sums of two rows of f32.
  void (*add)(const void* const* rows, const void* const* more, int64_t count, int64_t n, void* y,
              std::ptrdiff_t stride);
  /// Rows [count, n] of x, each times its scale where there are scales, to where `rows` says; none
  /// where that is null. As f32 or, if `elements`, as Element.
  void (*scatter)(const float* x, std::ptrdiff_t stride, const float* scale, int64_t count,
                  int64_t n, void* const* rows, bool elements);
  /// c [m, n] = a [m, k] times panels [first, end) of a packed [k, n]; `packed` and c begin with
  /// panel 0. The memory of a goes on to the next multiple of 16 rows; what stands there does not
  /// matter. Softmax of another block, if any, is done meanwhile: AMX multiplies beside the vector
  /// units.
  void (*product)(const void* a, std::ptrdiff_t a_stride, int64_t m, const void* packed, int64_t k,
                  int64_t n, int64_t first, int64_t end, float* c, std::ptrdiff_t c_stride,
                  const Epilogue& epilogue, const SoftmaxBlock* meanwhile);
  void (*softmax)(const SoftmaxBlock& block);
  /// Null where a product, softmax and another product are as good.
  void (*attend)(const KeysAtOnce& attention);

  int64_t padded(int64_t k) const { return (k + k_multiple - 1) / k_multiple * k_multiple; }
  size_t packed_bytes(int64_t k, int64_t n) const {
    return static_cast<size_t>(padded(k) * ((n + 15) / 16 * 16)) * element_bytes;
  }
};

/// Whether the processor multiplies tiles of bf16 (AMX) and lets us. Linux wants to be asked, once
/// for the process, since tiles enlarge what is saved of each thread.
bool may_use_amx();

/// Null where this processor cannot. `amx` false: as on a processor without AMX.
const BlockKernels* block_kernels(Element element, bool amx = true);

/// Memory-bound passes over f32 rows.
struct RowKernels {
  /// Norms of rows of n values that lie one after the other. y may be x.
  void (*layer_norm)(const float* x, float* y, int64_t rows, int64_t n, const RowNorm& norm);
  /// y may be x.
  void (*activate)(const float* x, float* y, int64_t n, Activation activation);
  /// y = softmax(scale * x + mask) of a row; mask may be null, y may be x.
  void (*softmax)(const float* x, float* y, int64_t n, float scale, const float* mask);
  /// Pairs of numbers, seen as complex, times those of `turns`: cosine and sine of each angle; n
  /// is even. y may be x.
  void (*rotate)(const float* x, float* y, int64_t n, const float* turns);
  /// Copies past the caches.
  void (*stream)(const void* from, void* to, size_t bytes);
  /// Output pixels [begin, end) of one row of a depthwise convolution of a channels-last map with
  /// stride 1.
  void (*depthwise_row)(const struct DepthwiseRow& row);
  /// One row of output pixels of a convolution from few channels to few.
  void (*few_channels_row)(const struct FewChannelsRow& row);
  void (*deformable_head)(const struct DeformableHead& head);  ///< compute/kernels/deformable.h
};

struct DepthwiseRow {
  const float* const*
      lines;            ///< kernel_h input lines [width, channels]; null where outside the map
  const float* weight;  ///< [kernel_h, kernel_w, channels]
  const float* bias;    ///< [channels] or null
  float* result;        ///< [out_width, channels]
  int64_t width, out_width, channels, kernel_h, kernel_w, pad_w;
  std::ptrdiff_t pixel_stride;
};

/// Output channels divide 16, so that a vector holds all of 16 / out pixels.
struct FewChannelsRow {
  /// kernel_h input lines [pixels, in] that begin with their left padding, and of which 16 values
  /// beyond what the last pixel needs may be read; null where outside the map.
  const float* const* lines;
  const float* weight;  ///< [kernel_h, kernel_w, in, 16]: each vector repeats the channels
  const float* bias;    ///< [16], repeated likewise
  float* result;        ///< [out_width, out]
  int64_t out_width, in, out, kernel_h, kernel_w, stride_w;

  /// Values of one line that a vector's pixels need for one tap: at most 16.
  static int64_t span(int64_t in, int64_t out, int64_t kernel_w, int64_t stride_w) {
    return (16 / out - 1) * stride_w * in + kernel_w * in;
  }
};

const RowKernels* row_kernels();

}  // namespace alref::compute::kernels
