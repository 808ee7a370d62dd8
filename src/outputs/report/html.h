// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Parts of which both reports are made.
namespace alref::outputs {

/// Up to the open <head>: style, and a policy that forbids everything but inline pictures.
extern const std::string_view kHtmlHead;

/// A number by a printf pattern of at most 47 characters.
std::string format(const char* pattern, double value);
std::string cell(const std::string& text);
std::string number_cell(const char* pattern, double value);
std::string seconds_row(const char* name, double seconds, double total);
std::string boxes_table(const std::vector<Detection>& boxes, std::optional<int> chosen_box);
/// A question, folded, and its answer; nothing where both are empty.
std::string exchange(const char* title, const std::string& question, const std::string& reply);
/// The largest value of each of at most `width` spans of the series.
std::vector<double> thinned(const std::vector<double>& values, size_t width);

}  // namespace alref::outputs
