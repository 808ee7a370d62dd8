// SPDX-License-Identifier: Apache-2.0
#include "cli/detect_command.h"

#include "alref/error.h"
#include "alref/grounding_dino.h"

#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "cli/options.h"
#include "core/atomic_file.h"
#include "core/file_name.h"
#include "media/draw.h"
#include "media/image_io.h"
#include "outputs/npy.h"

namespace alref::cli {
namespace {

constexpr int kOverlayQuality = 95;

enum class PictureKind { kPng, kJpeg };

struct Arguments {
  std::string image;
  std::string model;
  std::string text;
  std::optional<float> box_threshold;
  std::optional<float> text_threshold;
  size_t top = std::numeric_limits<size_t>::max();
  float nms = 1;
  std::string overlay;
  bool json = false;
  std::string raw;
  DetectorOptions options;
};

/// PNG or JPEG, as the name says. Throws Error(kInvalidArgument) for other names.
PictureKind kind_of(const std::string& path) {
  const std::string ending = ending_of(path);
  if (ending == ".png") return PictureKind::kPng;
  if (ending == ".jpg" || ending == ".jpeg") return PictureKind::kJpeg;
  throw Error(ErrorKind::kInvalidArgument,
              path + ": expected a name that ends in .png, .jpg or .jpeg");
}

void draw(Image image, const std::vector<Detection>& detections, const std::string& path,
          PictureKind kind) {
  media::Canvas canvas(image);
  const double size = std::max(12.0, image.height / 40.0);
  std::map<std::string, int> colors;  // one a phrase
  for (const Detection& found : detections) {
    const int index = colors.emplace(found.phrase, static_cast<int>(colors.size())).first->second;
    const media::Color color = media::object_color(index);
    char score[16];
    std::snprintf(score, sizeof(score), " %.2f", static_cast<double>(found.score));
    const std::string label = found.phrase + score;
    const float top = std::max(found.box.y0, static_cast<float>(size * 1.4));
    const Box plate{found.box.x0, top - static_cast<float>(size * 1.4),
                    found.box.x0 + static_cast<float>(media::text_width(label, size) + size * 0.6),
                    top};
    canvas.box(found.box, color);
    canvas.fill(plate, color);
    canvas.text(label,
                {plate.x0 + static_cast<float>(size * 0.3), top - static_cast<float>(size * 0.35)},
                size, {0, 0, 0});
  }
  const Image drawn = canvas.to_image();
  write_file(path,
             kind == PictureKind::kPng ? media::encode_png(drawn)
                                       : media::encode_jpeg(drawn, kOverlayQuality),
             Durability::kRenamed);
}

void print_json(const Arguments& arguments, const Image& image,
                const std::vector<Detection>& detections) {
  nlohmann::json list = nlohmann::json::array();
  for (const Detection& found : detections) {
    list.push_back({{"box", {found.box.x0, found.box.y0, found.box.x1, found.box.y1}},
                    {"score", found.score},
                    {"phrase", found.phrase},
                    {"offset", found.phrase_offset}});
  }
  const nlohmann::json report = {{"image", arguments.image},
                                 {"width", image.width},
                                 {"height", image.height},
                                 {"text", arguments.text},
                                 {"detections", std::move(list)}};
  // A path may hold any bytes; JSON may not.
  std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void write_raw(const RawDetections& raw, const std::string& path) {
  const outputs::NamedArray arrays[] = {{"logits", {raw.queries, raw.tokens}, raw.logits},
                                        {"boxes", {raw.queries, 4}, raw.boxes}};
  outputs::write_npz(path, arrays);
}

void run(const Arguments& arguments) {
  std::optional<PictureKind> overlay;
  if (!arguments.overlay.empty()) overlay = kind_of(arguments.overlay);
  const Image image = media::read_image(arguments.image);
  GroundingDino detector(arguments.model, arguments.options);
  const float box_threshold = arguments.box_threshold.value_or(detector.box_threshold());
  const float text_threshold = arguments.text_threshold.value_or(detector.text_threshold());
  RawDetections raw;
  const std::vector<Detection> detections =
      best_detections(detector.detect(image, arguments.text, box_threshold, text_threshold,
                                      arguments.raw.empty() ? nullptr : &raw),
                      arguments.nms, arguments.top);
  if (!arguments.raw.empty()) write_raw(raw, arguments.raw);
  if (overlay) draw(image, detections, arguments.overlay, *overlay);
  if (arguments.json) return print_json(arguments, image, detections);
  for (const Detection& found : detections) {
    std::printf("%.4f %.1f %.1f %.1f %.1f %s\n", static_cast<double>(found.score),
                static_cast<double>(found.box.x0), static_cast<double>(found.box.y0),
                static_cast<double>(found.box.x1), static_cast<double>(found.box.y1),
                found.phrase.c_str());
  }
}

}  // namespace

void add_detect_command(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("detect", "Boxes round whatever a text names in an image (GroundingDINO)");
  command->footer(
      "Prints a line a box, the best first: score, x0 y0 x1 y1 in pixels, phrase. Boxes may reach\n"
      "beyond the image's edge.\n"
      "example: alref detect dog.jpg --detector swin-t.gguf --text \"a dog . the man's hat\" -o "
      "boxes.png");
  command->add_option("IMAGE", arguments->image, "a JPEG or PNG file")->required();
  command->add_option("--detector", arguments->model, "model made by `alref convert`")
      ->type_name("FILE.gguf")
      ->required();
  command
      ->add_option("--text", arguments->text,
                   "English phrases, separated by full stops; at most 256 tokens in all")
      ->required();
  command->add_option(
      "--box-threshold", arguments->box_threshold,
      "a box needs a token of a probability above this [default: the model's, 0.25]");
  command->add_option("--text-threshold", arguments->text_threshold,
                      "with --official-labels, a token's probability must be above this to be part "
                      "of the label [default: the model's, 0.25]");
  command->add_option("--top", arguments->top, "the K best boxes only")
      ->type_name("K")
      ->check(above_zero());
  command
      ->add_option("--nms", arguments->nms,
                   "leave out boxes that overlap a better one of the same phrase by more than this "
                   "IoU [default: 1, none]")
      ->type_name("T")
      ->check(in_range(0.0, 1.0));
  command->add_flag("--official-labels", arguments->options.official_labels,
                    "label with all tokens above the text threshold, as the official code does, "
                    "rather than with one phrase of the text");
  command->add_option("-o,--out", arguments->overlay, "the image with the boxes drawn on it")
      ->type_name("OVERLAY.png|jpg");
  command->add_flag("--json", arguments->json,
                    "print JSON; \"offset\" is the phrase's byte in the text");
  command
      ->add_option("--raw", arguments->raw,
                   "what the network says before thresholds: logits [queries, 256] before the "
                   "sigmoid, boxes [queries, 4] as centre and size in [0, 1]")
      ->type_name("FILE.npz");
  add_device_options(*command, arguments->options.device);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace alref::cli
