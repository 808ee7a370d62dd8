// SPDX-License-Identifier: Apache-2.0
// Made by make_filter_bank_goldens.py with kaldi-native-fbank 1.23.0.
#pragma once

#include <vector>

namespace alref {

// Every tenth of the 48 frames, all bins: 128 with Povey's window, 112 with Hann's, 64 with Povey's by Kaldi.
