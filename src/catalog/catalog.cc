// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.h"

#include "alref/error.h"

#include <algorithm>

namespace alref::catalog {
namespace {

constexpr const char* kSam2Page = "https://github.com/facebookresearch/sam2";
constexpr const char* kDinoPage = "https://github.com/IDEA-Research/GroundingDINO";
constexpr const char* kBeatsPage = "https://github.com/microsoft/unilm/tree/master/beats";
constexpr const char* kBindPage = "https://github.com/PKU-YuanGroup/LanguageBind";

PublishedModel sam2(const std::string& version, const std::string& size, const std::string& file,
                    uint64_t bytes, const std::string& sha256) {
  const std::string folder = std::string("https://dl.fbaipublicfiles.com/segment_anything_2/") +
                             (version == "2" ? "072824/" : "092824/");
  const std::string name = "sam" + version + "_hiera_" + file + ".pt";
  return {"sam" + version + "-" + size,
          "SAM " + version + " Hiera " + size,
          "Apache-2.0",
          kSam2Page,
          {{name, folder + name, bytes, sha256}}};
}

PublishedModel grounding_dino(const std::string& size, const std::string& release,
                              const std::string& file, uint64_t bytes, const std::string& sha256) {
  return {"grounding-dino-" + size,
          "GroundingDINO, " + file,
          "Apache-2.0",
          kDinoPage,
          {{file, std::string(kDinoPage) + "/releases/download/" + release + "/" + file, bytes,
            sha256}}};
}

PublishedModel language_bind(const std::string& name, const std::string& repository) {
  const std::string base = "https://huggingface.co/LanguageBind/" + repository + "/resolve/main/";
  PublishedModel model{name, "LanguageBind, " + repository, "MIT", kBindPage, {}};
  for (const char* file : {"pytorch_model.bin", "config.json", "merges.txt"}) {
    model.files.push_back({file, base + file, 0, ""});
  }
  return model;
}

}  // namespace

std::span<const PublishedModel> published_models() {
  // Addresses: sam2's checkpoints/download_ckpts.sh, GroundingDINO's and LanguageBind's README.
  // Digests are those of the files at these addresses, as several projects record them.
  static const std::vector<PublishedModel> models = {
      sam2("2.1", "tiny", "tiny", 156'008'466,
           "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69"),
      sam2("2.1", "small", "small", 184'416'285,
           "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38"),
      sam2("2.1", "base-plus", "base_plus", 323'606'802,
           "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5"),
      sam2("2.1", "large", "large", 898'083'611,
           "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318"),
      sam2("2", "tiny", "tiny", 155'906'050,
           "65b50056e05bcb13694174f51bb6da89c894b57b75ccdf0ba6352c597c5d1125"),
      sam2("2", "small", "small", 184'309'650,
           "95949964d4e548409021d47b22712d5f1abf2564cc0c3c765ba599a24ac7dce3"),
      sam2("2", "base-plus", "base_plus", 323'493'298,
           "d0bb7f236400a49669ffdd1be617959a8b1d1065081789d7bbff88eded3a8071"),
      sam2("2", "large", "large", 897'952'466,
           "7442e4e9b732a508f80e141e7c2913437a3610ee0c77381a66658c3a445df87b"),
      grounding_dino("tiny", "v0.1.0-alpha", "groundingdino_swint_ogc.pth", 693'997'677,
                     "3b3ca2563c77c69f651d7bd133e97139c186df06231157a64c507099c52bc799"),
      grounding_dino("base", "v0.1.0-alpha2", "groundingdino_swinb_cogcoor.pth", 938'057'991,
                     "46270f7a822e6906b655b729c90613e48929d0f2bb8b9b76fd10a856f3ac6ab7"),
      language_bind("language-bind-audio", "LanguageBind_Audio_FT"),
      language_bind("language-bind-image", "LanguageBind_Image"),
      {"beats-as2m", "BEATs iter3+, fine-tuned on AudioSet (AS2M, cpt2)", "MIT", kBeatsPage, {}},
      {"beats-as20k", "BEATs iter3+, fine-tuned on AudioSet (AS20K, cpt2)", "MIT", kBeatsPage, {}},
  };
  return models;
}

const PublishedModel& find_published(std::string_view name) {
  const auto models = published_models();
  const auto found = std::ranges::find(models, name, &PublishedModel::name);
  if (found != models.end()) return *found;
  std::string names;
  for (const PublishedModel& model : models) names += (names.empty() ? "" : ", ") + model.name;
  throw Error(ErrorKind::kInvalidArgument,
              std::string(name) + ": no such model; there are " + names);
}

}  // namespace alref::catalog
