// SPDX-License-Identifier: Apache-2.0
#include "cli/mask_command.h"

#include "alref/sam2.h"

#include <cstdio>
#include <memory>

#include "cli/options.h"
#include "cli/prompt_options.h"
#include "core/atomic_file.h"
#include "media/image_io.h"
#include "outputs/mask_png.h"
#include "outputs/npy.h"

namespace alref::cli {
namespace {

struct Arguments {
  std::string image;
  std::string model;
  std::string out;
  std::string box;
  std::vector<std::string> points;
  std::string mask_input;
  std::string logits;
  bool multimask = false;
  Sam2ImageOptions options;
};

ImagePrompt prompt_of(const Arguments& arguments) {
  ImagePrompt prompt;
  prompt.multimask = arguments.multimask;
  if (!arguments.box.empty()) prompt.box = parse_box(arguments.box);
  for (const std::string& text : arguments.points) {
    const auto [point, label] = parse_point(text);
    prompt.points.push_back(point);
    prompt.labels.push_back(label);
  }
  if (!arguments.mask_input.empty()) prompt.mask_input = outputs::read_npy(arguments.mask_input);
  return prompt;
}

void run(const Arguments& arguments) {
  const ImagePrompt prompt = prompt_of(arguments);
  const Image image = media::read_image(arguments.image);
  Sam2ImagePredictor predictor(arguments.model, arguments.options);
  predictor.set_image(image);
  const std::vector<MaskPrediction> masks = predictor.predict(prompt);

  create_folders(arguments.out);
  std::vector<FloatMap> logits;
  for (size_t i = 0; i < masks.size(); ++i) {
    const std::string path = arguments.out + "/" + std::to_string(i) + ".png";
    outputs::write_mask_png(path, mask_of(masks[i].logits));
    std::printf("%.7f %s\n", static_cast<double>(masks[i].score), path.c_str());
    logits.push_back(masks[i].low_resolution);
  }
  if (!arguments.logits.empty()) outputs::write_npy(arguments.logits, logits);
}

}  // namespace

void add_mask_command(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "mask", "Masks of what points, a box or a mask in an image point at (SAM 2)");
  command->footer(
      "Prints a line a mask: the network's guess of its IoU, and its file.\n"
      "example: alref mask dog.jpg --sam2 sam2.1-tiny.gguf --box 40,60,320,400 -o out");
  command->add_option("IMAGE", arguments->image, "a JPEG or PNG file")->required();
  command->add_option("--sam2", arguments->model, "model made by `alref convert`")
      ->type_name("FILE")
      ->required();
  command->add_option("--box", arguments->box, "a box round the object, in pixels")
      ->type_name("x0,y0,x1,y1");
  command
      ->add_option("--point", arguments->points,
                   "a point on the object, or with ,0 off it; may be given several times")
      ->type_name("x,y[,0|1]")
      ->allow_extra_args(false);
  command
      ->add_option("--mask-input", arguments->mask_input,
                   "logits of an earlier prediction, as --logits writes them for one mask")
      ->type_name("FILE.npy");
  command->add_flag("--multimask", arguments->multimask,
                    "three masks, for prompts that may mean several things");
  command->add_flag("--dynamic-multimask", arguments->options.dynamic_multimask,
                    "an unstable single mask gives way to the best of the three");
  command
      ->add_option("--logits", arguments->logits,
                   "low-resolution logits of the masks, [masks, height, width], 32-bit floats")
      ->type_name("FILE.npy");
  command->add_option("-o,--out", arguments->out, "OUT/0.png and so on: 255 on the object, else 0")
      ->type_name("OUT")
      ->required();
  add_device_options(*command, arguments->options.device);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace alref::cli
