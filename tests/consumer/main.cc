// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include <alref/types.h>
#include <alref/version.h>

int main() {
  std::printf("%s\n", alref::version_report().c_str());
  return alref::iou({0, 0, 2, 2}, {0, 0, 2, 2}) == 1 ? 0 : 1;
}
