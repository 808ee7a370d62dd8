// SPDX-License-Identifier: Apache-2.0
#include "alref/version.h"

#include <ggml.h>

extern "C" {
#include <libavutil/avutil.h>
}

#ifdef ALREF_ONEDNN
#include <oneapi/dnnl/dnnl.h>
#endif

#include "compute/cpu_features.h"
#include "compute/device.h"

namespace alref {
namespace {

std::string onednn_version() {
#ifdef ALREF_ONEDNN
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
#else
  return "not built in";
#endif
}

}  // namespace

std::string version() { return ALREF_VERSION; }

std::vector<std::string> available_devices() { return compute::Device::available(); }

std::string version_report() {
  std::string devices;
  for (const std::string& device : available_devices())
    devices += (devices.empty() ? "" : ", ") + device;
  return "alref " + version() + "\nggml " + ggml_version() + "\noneDNN " + onednn_version() +
         "\nFFmpeg " + av_version_info() + "\ninstruction set " + compute::instruction_set() +
         "\ndevices " + devices;
}

}  // namespace alref
