// SPDX-License-Identifier: Apache-2.0
// Every tensor of every official variant: what we expect against what the official modules have.
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "convert/sam2.h"
#include "text/golden.h"

namespace alref::convert {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

/// Blocks of tests/data/convert/tensors.txt.gz (tests/oracles/list_tensors.py).
const std::map<std::string, Shapes>& official() {
  static const auto blocks = [] {
    std::map<std::string, Shapes> out;
    std::istringstream in(testing::inflate_file(ALREF_TEST_DATA "/convert/tensors.txt.gz"));
    Shapes* block = nullptr;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("# ")) {
        block = &out[line.substr(2)];
        continue;
      }
      const size_t tab = line.find('\t');
      std::vector<int64_t>& shape = (*block)[line.substr(0, tab)];
      std::istringstream lengths(line.substr(tab + 1));
      for (std::string n; std::getline(lengths, n, ',');) shape.push_back(std::stoll(n));
    }
    return out;
  }();
  return blocks;
}

Shapes shapes_of(const NameTable& table) {
  Shapes out;
  for (const TensorSpec& spec : table.specs()) {
    EXPECT_TRUE(out.emplace(spec.name, spec.shape).second) << spec.name << " twice";
  }
  return out;
}

TEST(NamesTest, Sam2) {
  for (const char* version : {"2", "2.1"}) {
    for (const char* variant : {"tiny", "small", "base-plus", "large"}) {
      const auto name = std::string("sam") + version + "-" + variant;
      EXPECT_EQ(shapes_of(sam2_tensors(official_sam2(version, variant))), official().at(name))
          << name;
    }
  }
}

}  // namespace
}  // namespace alref::convert
