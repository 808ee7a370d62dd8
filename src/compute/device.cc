// SPDX-License-Identifier: Apache-2.0
#include "compute/device.h"

#include "alref/error.h"

#include <algorithm>
#include <cctype>
#include <mutex>
#include <thread>

#include <ggml-cpu.h>

#include "compute/cpu_features.h"
#include "core/log.h"

#ifdef ALREF_ONEDNN
#include "compute/onednn/backend.h"
#endif

namespace alref::compute {
namespace {

// More nodes than any network of ours has; the scheduler's tables are sized by it.
constexpr size_t kMaxNodes = 8192;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void forward_ggml_log(ggml_log_level level, const char* text, void*) {
  std::string_view message(text);
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  if (message.empty()) return;
  switch (level) {
    case GGML_LOG_LEVEL_ERROR:
      return log(LogLevel::kError, message);
    case GGML_LOG_LEVEL_WARN:
      return log(LogLevel::kWarning, message);
    default:
      return log(LogLevel::kDebug, message);
  }
}

ggml_backend_dev_t find_gpu(const std::string& name) {
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const auto type = ggml_backend_dev_type(device);
    const bool is_gpu =
        type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU;
    if (is_gpu && lower(ggml_backend_dev_name(device)) == name) return device;
  }
  std::string known;
  for (const std::string& device : Device::available())
    known += (known.empty() ? "" : ", ") + device;
  throw Error(ErrorKind::kUnavailable, "no device '" + name + "' here; there is: " + known);
}

}  // namespace

std::vector<std::string> Device::available() {
  std::vector<std::string> names = {"cpu"};
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const auto type = ggml_backend_dev_type(device);
    if (type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU) {
      names.push_back(lower(ggml_backend_dev_name(device)));
    }
  }
  return names;
}

Device::Device(const DeviceOptions& options) {
  static std::once_flag log_is_set;  // ggml's logger is a global without a lock
  std::call_once(log_is_set, [] { ggml_log_set(forward_ggml_log, nullptr); });
  if (options.threads < 0) {
    throw Error(ErrorKind::kInvalidArgument,
                "threads: expected 0 or more, got " + std::to_string(options.threads));
  }
  threads_ = options.threads > 0 ? options.threads : usable_cores();
  precision_ = options.precision;
  if (precision_ == Precision::kAuto) {
    precision_ = cpu_multiplies_bf16() ? Precision::kBf16 : Precision::kF32;
  }

  const std::string name = lower(options.name);
  const bool on_cpu =
      name == "cpu" || name == "avx512-cpu" || name == "onednn-cpu" || name == "ggml-cpu";
  if (!on_cpu) backends_.emplace_back(ggml_backend_dev_init(find_gpu(name), nullptr));
#ifdef ALREF_ONEDNN
  if (name != "ggml-cpu") {
    backends_.emplace_back(onednn::make_backend({.threads = threads_,
                                                 .precision = precision_,
                                                 .own_kernels = name != "onednn-cpu",
                                                 .amx = name != "avx512-cpu"}));
    onednn_ = backends_.back().get();
  }
#endif
  backends_.emplace_back(ggml_backend_cpu_init());
  ggml_backend_cpu_set_n_threads(backends_.back().get(), threads_);

  std::vector<ggml_backend_t> order;
  for (const auto& backend : backends_) order.push_back(backend.get());
  scheduler_.reset(ggml_backend_sched_new(order.data(), nullptr, static_cast<int>(order.size()),
                                          kMaxNodes, /*parallel=*/false, /*op_offload=*/false));
}

Device::~Device() = default;

bool Device::is_host() const { return ggml_backend_buft_is_host(buffer_type()); }

ggml_backend_buffer_type_t Device::buffer_type() const {
  return ggml_backend_get_default_buffer_type(backends_.front().get());
}

#ifdef ALREF_ONEDNN
int64_t Device::preparations() const { return onednn_ ? onednn::preparations(onednn_) : 0; }
void Device::forget_weights(const void* begin, size_t bytes) {
  if (onednn_) onednn::forget_weights(onednn_, begin, bytes);
}
#else
int64_t Device::preparations() const { return 0; }
void Device::forget_weights(const void*, size_t) {}
#endif

size_t Device::scratch_bytes() const {
  size_t total = 0;
  for (const auto& backend : backends_) {
    total += ggml_backend_sched_get_buffer_size(scheduler_.get(), backend.get());
  }
  return total;
}

}  // namespace alref::compute
