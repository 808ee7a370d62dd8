// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <span>
#include <vector>

#include "perception/detector.h"
#include "perception/grounding_dino/caption.h"

namespace alref::grounding_dino {

/// What the network says of one image: `count` queries.
struct QueryScores {
  size_t count = 0;
  std::span<const float> logits;  ///< [count, tokens of the caption]
  std::span<const float> boxes;   ///< [count, 4]: centre x, centre y, width, height, in [0, 1]
};

/// The queries whose best token is above the box threshold, in the queries' order, with their best
/// token's probability as the score and boxes in pixels of an image of this size.
///
/// Each box gets one phrase of the caption, the one with the box's best token (full stops and
/// special tokens aside): never two phrases joined, never a part of a word.
std::vector<Detection> clean_detections(const QueryScores& scores, const Caption& caption,
                                        const DetectionThresholds& thresholds, int width,
                                        int height);

/// The same boxes and scores, with the official labels (util/inference.py, predict): all tokens
/// above the text threshold, wherever they stand in the caption, decoded to text without full
/// stops. The offset is that of the first such token's phrase.
std::vector<Detection> official_detections(const QueryScores& scores, const Caption& caption,
                                           const text::WordPiece& tokenizer,
                                           const DetectionThresholds& thresholds, int width,
                                           int height);

}  // namespace alref::grounding_dino
