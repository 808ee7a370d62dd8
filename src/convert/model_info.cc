// SPDX-License-Identifier: Apache-2.0
#include "convert/model_info.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "compute/gguf_reader.h"

namespace alref::convert {

std::string model_info_text(const std::filesystem::path& path) {
  const auto file = compute::GgufFile::open(path);
  struct Total {
    size_t tensors = 0;
    int64_t elements = 0;
    uint64_t bytes = 0;
  };
  std::map<std::string, Total> totals;
  size_t widest = 0;
  for (const auto& tensor : file->tensors()) {
    Total& total = totals[ggml_type_name(tensor.type)];
    ++total.tensors;
    total.elements += tensor.elements();
    total.bytes += tensor.bytes;
    widest = std::max(widest, tensor.name.size());
  }
  std::string out = path.string() + ": " + std::to_string(file->bytes().size()) + " bytes\n\n";
  for (const auto key : file->keys()) out += std::string(key) + " = " + file->display(key) + "\n";
  out += "\n";
  for (const auto& [type, total] : totals) {
    out += type + ": " + std::to_string(total.tensors) + " tensors, " +
           std::to_string(total.elements) + " elements, " + std::to_string(total.bytes) +
           " bytes\n";
  }
  out += "\n";
  for (const auto& tensor : file->tensors()) {
    std::string name = tensor.name;
    name.resize(widest, ' ');
    std::string type = ggml_type_name(tensor.type);
    type.resize(std::max<size_t>(type.size(), 4), ' ');
    out += name + "  " + type + "  " + compute::shape_text(tensor.shape) + "\n";
  }
  return out;
}

std::string model_info_json(const std::filesystem::path& path) {
  const auto file = compute::GgufFile::open(path);
  nlohmann::ordered_json out;
  out["file"] = path.string();
  out["bytes"] = file->bytes().size();
  out["metadata"] = nlohmann::ordered_json::object();
  for (const auto key : file->keys()) out["metadata"][std::string(key)] = file->display(key);
  out["tensors"] = nlohmann::ordered_json::array();
  for (const auto& tensor : file->tensors()) {
    out["tensors"].push_back({{"name", tensor.name},
                              {"type", ggml_type_name(tensor.type)},
                              {"shape", tensor.shape},
                              {"bytes", tensor.bytes}});
  }
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace alref::convert
