#pragma once

#include "base/core/json.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// What a package says about its model: package.json. Whatever its task: what only one task
/// understands lies in `decoding`, which that task checks.
struct ModelAbout {
  /// A measured number with its 95 % interval; none where it is not defined (one class only,
  /// say).
  struct Value {
    std::optional<double> value, low, high;
  };
  using Values = std::map<std::string, Value, std::less<>>;

  /// A word of a terminology: {"SCT", "233604007", "Pneumonia"}, {"RADLEX", "RID5350",
  /// "pneumonia"}.
  struct Code {
    std::string scheme, value, meaning;
  };
  struct Label {
    std::string name;
    std::vector<Code> codes;
  };

  /// What the model was made for. Sizes are slowest axis first: [j, i] or [k, j, i].
  struct Input {
    std::int64_t channels = 1;                      ///< that the network sees
    std::vector<std::int64_t> seen_channels = {1};  ///< of the training images as they came
    std::vector<std::int64_t> size;  ///< that the network sees, after preprocessing
    std::vector<std::int64_t>
        smallest;  ///< along each axis, of the training images as they came
    std::vector<std::int64_t> largest;
    std::string modality = "unknown";  ///< "DX", "CT", "MR", …, where known
    std::string unit = "arbitrary";    ///< "arbitrary", "hounsfield" or "one"
    double low = 0;                    ///< lowest stored value in the training images
    double high = 1;                   ///< highest
    double mean = 0.5;                 ///< of an image, averaged over the training images
    double mean_spread = 0;            ///< standard deviation of the images' means
    double deviation =
        0;  ///< standard deviation within an image, averaged over the training images
  };

  /// What comes out, after decoding; for people and for metadata.json.
  struct Output {
    std::string format = "classes";  ///< a word of MONAI's list: "classes", "labels",
                                     ///< "segmentation", "points", …
    std::int64_t channels = 1;
    bool on_grid = false;  ///< a value for each pixel, or one for the image
  };

  struct OperatingPoint {
    std::string name;   ///< "youden", "sensitivity 0.95"
    std::string label;  ///< one of `labels`
    double threshold = 0.5;
    std::string chosen_on = "val";  ///< the split
    Values measured;                ///< on the split of `proof`
  };

  struct Proof {
    std::string split = "test";
    std::int64_t cases = 0;
    Values metrics;
  };

  struct Provenance {
    std::uint64_t seed = 0;
    std::string data_hash;  ///< of the data set
    std::string data;       ///< in words: how many cases of what
    std::string init;       ///< where its first weights came from; empty: random
    std::map<std::string, std::string, std::less<>> versions;  ///< "fovea", "libtorch", …
    std::string plan;                                          ///< plan.yaml
  };

  std::string task;  ///< a row of the table of tasks
  std::string name;  ///< for people
  std::string description;
  std::string intended_use = "Research. Not a medical device.";
  std::string authors = "not stated";
  std::string licence =
      "Not stated: ask whoever made this package before you use or share it.";  ///< the text of
                                                                                ///< LICENSE
  Input input;
  Output output;
  std::vector<Label> labels;
  Json preprocessing =
      Json::array();               ///< the steps from an image to the network's input, as data
  Json decoding = Json::object();  ///< from the network's output to a finding
  double temperature = 1;          ///< logits are divided by it (Guo 2017)
  std::vector<OperatingPoint> operating_points;
  Proof proof;
  Provenance provenance;
};

/// Throws Error{bug} on what about_from would refuse: a program never writes what it cannot
/// read.
Json to_json(ModelAbout const& about);
/// Strict: every field of the version must be there, with its type and in its range, and no
/// other. `name` is for messages. Throws Error{input} naming the field; on a newer version.
ModelAbout about_from(Json const& json, std::string_view name);

/// An image as it came, before preprocessing.
struct ImageSeen {
  std::int64_t channels = 1;
  std::vector<std::int64_t> size;  ///< slowest axis first
  double low = 0, high = 0, mean = 0, deviation = 0;
  bool grey = false;  ///< one channel, or three that are equal
};

/// Why the model was not made for this image, in sentences; empty if it was. An axis below half
/// of the smallest or above twice the largest of the training images; other channels (grey is
/// grey, also where it was saved in colour); values more than a tenth of the training range
/// outside of it; a mean more than six spreads off; contrast below a twentieth or above five
/// times the typical one.
std::vector<std::string> outside_contract(ModelAbout::Input const& input,
                                          ImageSeen const& image);

/// The model card (Mitchell 2019) as Markdown. Words from outside (labels, names, the plan) are
/// escaped: they cannot become markup.
std::string model_card(ModelAbout const& about);

/// Text as Markdown that shows just this text, in one line.
std::string markdown(std::string_view words);

/// configs/metadata.json of a MONAI bundle (mb_specification of MONAI 1.5).
Json monai_metadata(ModelAbout const& about);

}  // namespace fovea
