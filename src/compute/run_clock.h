// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace alref::compute {

/// What the runs of all graphs of this program have taken so far.
double run_seconds();

}  // namespace alref::compute
