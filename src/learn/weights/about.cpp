#include "learn/weights/about.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace fovea {
namespace {

constexpr int about_version = 1;
constexpr double about_any = 1e300;
constexpr std::int64_t about_many = 1LL << 40;

/// One object of package.json, read field by field; what was not asked for is unknown.
class AboutObject {
 public:
  AboutObject(Json const& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) refuse("is no object");
  }

  Json const& field(char const* key) {
    if (!json_.contains(key)) refuse(text("has no field '", key, "'"));
    known_.emplace_back(key);
    return json_[key];
  }
  std::string words(char const* key) {
    auto const& value = field(key);
    if (!value.is_string()) refuse(text("expected text in '", key, "'"));
    return value.get<std::string>();
  }
  double number(char const* key, double low = -about_any, double high = about_any) {
    return checked(key, field(key), low, high);
  }
  std::int64_t whole(char const* key, std::int64_t low, std::int64_t high) {
    return checked_whole(key, field(key), low, high);
  }
  std::uint64_t unsigned_whole(char const* key) {
    auto const& value = field(key);
    if (!value.is_number_integer() ||
        (!value.is_number_unsigned() && value.get<std::int64_t>() < 0))
      refuse(text("expected a whole number, at least 0, in '", key, "'"));
    return value.get<std::uint64_t>();
  }
  bool truth(char const* key) {
    auto const& value = field(key);
    if (!value.is_boolean()) refuse(text("expected true or false in '", key, "'"));
    return value.get<bool>();
  }
  std::optional<double> perhaps(char const* key) {
    auto const& value = field(key);
    if (value.is_null()) return std::nullopt;
    return checked(key, value, -about_any, about_any);
  }
  std::vector<std::int64_t> sizes(char const* key) {
    std::vector<std::int64_t> out;
    for (auto const& value : list(key)) out.push_back(checked_whole(key, value, 1, about_many));
    return out;
  }
  bool has(char const* key) const { return json_.contains(key); }
  Json const& list(char const* key) {
    auto const& value = field(key);
    if (!value.is_array()) refuse(text("expected a list in '", key, "'"));
    return value;
  }
  Json const& object(char const* key) {
    auto const& value = field(key);
    if (!value.is_object()) refuse(text("expected an object in '", key, "'"));
    return value;
  }
  AboutObject inner(char const* key) { return {object(key), text(where_, " '", key, "'")}; }
  std::string const& where() const { return where_; }

  [[noreturn]] void refuse(std::string const& happened) const {
    throw Error{Fault::input, text(where_, " ", happened),
                "the package was made by another program or damaged"};
  }
  void end() const {
    for (auto const& [key, value] : json_.items()) {
      if (std::ranges::find(known_, key) == known_.end())
        throw Error{Fault::input,
                    text(where_, " has an unknown field '", key.substr(0, 80), "'"),
                    did_you_mean(key, known_)};
    }
  }

 private:
  double checked(char const* key, Json const& value, double low, double high) const {
    auto const number = value.is_number() ? value.get<double>() : NAN;
    if (!(number >= low && number <= high))
      refuse(text("expected a number from ", low, " to ", high, " in '", key, "'"));
    return number;
  }
  std::int64_t checked_whole(char const* key,
                             Json const& value,
                             std::int64_t low,
                             std::int64_t high) const {
    // A double tells whether it is in range, also where an unsigned number would wrap.
    auto const near = value.is_number_integer() ? value.get<double>() : NAN;
    if (!(near >= static_cast<double>(low) && near <= static_cast<double>(high)))
      refuse(text("expected a whole number from ", low, " to ", high, " in '", key, "'"));
    return value.get<std::int64_t>();
  }

  Json const& json_;
  std::string where_;
  std::vector<std::string> known_;
};

Json about_json(std::optional<double> value) {
  return value ? Json(*value) : Json();
}

Json about_json(ModelAbout::Values const& values) {
  auto out = Json::object();
  for (auto const& [name, one] : values)
    out[name] = {{"value", about_json(one.value)},
                 {"low", about_json(one.low)},
                 {"high", about_json(one.high)}};
  return out;
}

ModelAbout::Values about_values(Json const& json, std::string const& where) {
  ModelAbout::Values out;
  for (auto const& [name, one] : json.items()) {
    AboutObject object{one, text(where, " '", name.substr(0, 80), "'")};
    out[name] = {object.perhaps("value"), object.perhaps("low"), object.perhaps("high")};
    object.end();
  }
  return out;
}

Json about_json(ModelAbout::Label const& label) {
  auto codes = Json::array();
  for (auto const& code : label.codes)
    codes.push_back(
        {{"scheme", code.scheme}, {"value", code.value}, {"meaning", code.meaning}});
  return {{"name", label.name}, {"codes", codes}};
}

ModelAbout::Label about_label(Json const& json, std::string const& where) {
  AboutObject object{json, where};
  ModelAbout::Label label{object.words("name"), {}};
  for (auto const& one : object.list("codes")) {
    AboutObject code{one, text(where, " 'codes'")};
    label.codes.push_back({code.words("scheme"), code.words("value"), code.words("meaning")});
    code.end();
  }
  object.end();
  return label;
}

std::vector<ModelAbout::Label> about_labels(AboutObject& object) {
  std::vector<ModelAbout::Label> labels;
  std::set<std::string> names;
  for (auto const& one : object.list("labels")) {
    labels.push_back(about_label(one, text(object.where(), " 'labels'")));
    if (!names.insert(labels.back().name).second) object.refuse("has one label twice");
  }
  return labels;
}

Json about_json(ModelAbout::Input const& in) {
  return {{"channels", in.channels},
          {"seen_channels", in.seen_channels},
          {"size", in.size},
          {"smallest", in.smallest},
          {"largest", in.largest},
          {"modality", in.modality},
          {"unit", in.unit},
          {"low", in.low},
          {"high", in.high},
          {"mean", in.mean},
          {"mean_spread", in.mean_spread},
          {"deviation", in.deviation}};
}

ModelAbout::Input about_input(AboutObject object) {
  ModelAbout::Input in;
  in.channels = object.whole("channels", 1, 1'000'000);
  in.seen_channels = object.has("seen_channels") ? object.sizes("seen_channels")
                                                 : std::vector<std::int64_t>{in.channels};
  in.size = object.sizes("size");
  in.smallest = object.sizes("smallest");
  in.largest = object.sizes("largest");
  in.modality = object.words("modality");
  in.unit = object.words("unit");
  in.low = object.number("low");
  in.high = object.number("high", in.low);
  in.mean = object.number("mean", in.low, in.high);
  in.mean_spread = object.number("mean_spread", 0);
  in.deviation = object.number("deviation", 0);
  object.end();
  auto const axes = in.size.size();
  if ((axes != 2 && axes != 3) || in.smallest.size() != axes || in.largest.size() != axes)
    object.refuse("expected two or three sizes in each of size, smallest and largest");
  if (in.unit != "arbitrary" && in.unit != "hounsfield" && in.unit != "one")
    object.refuse("expected the unit arbitrary, hounsfield or one");
  for (std::size_t axis = 0; axis < axes; ++axis) {
    if (in.smallest[axis] > in.largest[axis])
      object.refuse("has a smallest size above the largest");
  }
  return in;
}

Json about_json(ModelAbout::OperatingPoint const& point) {
  return {{"name", point.name},
          {"label", point.label},
          {"threshold", point.threshold},
          {"chosen_on", point.chosen_on},
          {"measured", about_json(point.measured)}};
}

ModelAbout::OperatingPoint about_point(Json const& json,
                                       std::vector<ModelAbout::Label> const& labels,
                                       std::string const& where) {
  AboutObject object{json, where};
  ModelAbout::OperatingPoint point;
  point.name = object.words("name");
  point.label = object.words("label");
  point.threshold = object.number("threshold");
  point.chosen_on = object.words("chosen_on");
  point.measured = about_values(object.object("measured"), where);
  object.end();
  if (std::ranges::find(labels, point.label, &ModelAbout::Label::name) == labels.end())
    object.refuse(
        text("is for '", point.label.substr(0, 80), "', which is none of the labels"));
  return point;
}

ModelAbout::Output about_output(AboutObject object) {
  ModelAbout::Output out{object.words("format"), object.whole("channels", 1, 1'000'000),
                         object.truth("on_grid")};
  object.end();
  return out;
}

ModelAbout::Proof about_proof(AboutObject object) {
  ModelAbout::Proof proof{
      object.words("split"), object.whole("cases", 0, about_many),
      about_values(object.object("metrics"), text(object.where(), " 'metrics'"))};
  object.end();
  return proof;
}

Json about_json(ModelAbout::Provenance const& from) {
  return {{"seed", from.seed}, {"data_hash", from.data_hash}, {"data", from.data},
          {"init", from.init}, {"versions", from.versions},   {"plan", from.plan}};
}

ModelAbout::Provenance about_provenance(AboutObject object) {
  ModelAbout::Provenance from;
  from.seed = object.unsigned_whole("seed");
  from.data_hash = object.words("data_hash");
  from.data = object.words("data");
  from.init = object.words("init");
  auto versions = object.inner("versions");
  for (auto const& [name, version] : object.object("versions").items())
    from.versions[name] = versions.words(name.c_str());
  from.plan = object.words("plan");
  object.end();
  return from;
}

Json about_written(ModelAbout const& about) {
  Json out = {{"version", about_version},
              {"task", about.task},
              {"name", about.name},
              {"description", about.description},
              {"intended_use", about.intended_use},
              {"authors", about.authors},
              {"licence", about.licence},
              {"input", about_json(about.input)}};
  out["output"] = {{"format", about.output.format},
                   {"channels", about.output.channels},
                   {"on_grid", about.output.on_grid}};
  out["labels"] = Json::array();
  for (auto const& label : about.labels) out["labels"].push_back(about_json(label));
  out["preprocessing"] = about.preprocessing;
  out["decoding"] = about.decoding;
  out["temperature"] = about.temperature;
  out["operating_points"] = Json::array();
  for (auto const& point : about.operating_points)
    out["operating_points"].push_back(about_json(point));
  out["proof"] = {{"split", about.proof.split},
                  {"cases", about.proof.cases},
                  {"metrics", about_json(about.proof.metrics)}};
  out["provenance"] = about_json(about.provenance);
  return out;
}

std::string about_sizes(std::vector<std::int64_t> const& sizes) {
  std::vector<std::string> words;
  for (auto const size : sizes) words.push_back(text(size));
  return joined(words, " x ");
}

std::string about_channels(std::vector<std::int64_t> const& counts) {
  std::vector<std::string> words;
  for (auto const count : counts) words.push_back(text(count));
  return joined(words, " or ");
}

}  // namespace

Json to_json(ModelAbout const& about) {
  auto const json = about_written(about);
  try {
    // Through text and back: numbers that are not finite, words that are not UTF-8 and ranges
    // show up here and not at a reader's.
    about_from(parse_json(json.dump(), "package.json"), "package.json");
  } catch (Error const& error) {
    throw Error{Fault::bug, text("a description that cannot be read back: ", error.what()),
                "correct what fills it"};
  } catch (Json::exception const& error) {
    throw Error{Fault::bug, text("a description that is no JSON: ", error.what()),
                "pass words as UTF-8"};
  }
  return json;
}

ModelAbout about_from(Json const& json, std::string_view name) {
  AboutObject object{json, std::string{name}};
  if (auto const version = object.unsigned_whole("version"); version > about_version)
    throw Error{Fault::input,
                text(name, " has version ", version, "; this program reads versions up to ",
                     about_version),
                "use a newer fovea"};
  else if (version < 1)
    object.refuse("has version 0");
  ModelAbout about;
  about.task = object.words("task");
  about.name = object.words("name");
  about.description = object.words("description");
  about.intended_use = object.words("intended_use");
  about.authors = object.words("authors");
  about.licence = object.words("licence");
  about.input = about_input(object.inner("input"));
  about.output = about_output(object.inner("output"));
  about.labels = about_labels(object);
  // A segmentation may have a channel for the background, which is no label.
  auto const background =
      about.output.format == "segmentation" &&
      about.output.channels == static_cast<std::int64_t>(about.labels.size()) + 1;
  if (!background && about.output.channels != static_cast<std::int64_t>(about.labels.size()))
    object.refuse(text("has ", about.labels.size(), " labels for ", about.output.channels,
                       " output channels"));
  about.preprocessing = object.list("preprocessing");
  about.decoding = object.object("decoding");
  about.temperature = object.number("temperature", 1e-6, 1e6);
  for (auto const& point : object.list("operating_points"))
    about.operating_points.push_back(
        about_point(point, about.labels, text(name, " 'operating_points'")));
  about.proof = about_proof(object.inner("proof"));
  about.provenance = about_provenance(object.inner("provenance"));
  object.end();
  return about;
}

std::vector<std::string> outside_contract(ModelAbout::Input const& input,
                                          ImageSeen const& image) {
  std::vector<std::string> out;
  auto const seen = [&](std::int64_t channels) {
    return std::ranges::find(input.seen_channels, channels) != input.seen_channels.end();
  };
  if (!seen(image.channels) && !(image.grey && seen(1)))
    out.push_back(text("it has ", image.channels, " channels, the model was made for ",
                       about_channels(input.seen_channels)));
  auto const same_axes = image.size.size() == input.smallest.size();
  auto fits = same_axes;
  for (std::size_t axis = 0; same_axes && axis < image.size.size(); ++axis)
    fits = fits && image.size[axis] * 2 >= input.smallest[axis] &&
           image.size[axis] <= input.largest[axis] * 2;
  if (!fits)
    out.push_back(text("its size is ", about_sizes(image.size), ", the model was made for ",
                       about_sizes(input.smallest), " to ", about_sizes(input.largest)));
  if (!std::isfinite(image.low) || !std::isfinite(image.high) || !std::isfinite(image.mean) ||
      !std::isfinite(image.deviation)) {
    out.push_back("it has values that are not finite");
    return out;
  }
  auto const margin = (input.high - input.low) / 10;
  if (image.low < input.low - margin || image.high > input.high + margin)
    out.push_back(text("its values go from ", spelled(image.low), " to ", spelled(image.high),
                       ", those of the training images from ", spelled(input.low), " to ",
                       spelled(input.high)));
  // A hundredth of the range beside the spread: images of one exposure have almost none.
  if (std::abs(image.mean - input.mean) > 6 * input.mean_spread + margin / 10)
    out.push_back(text("its mean is ", spelled(image.mean), ", that of the training images ",
                       fixed(input.mean, 3), " with a spread of ",
                       fixed(input.mean_spread, 3)));
  if (image.deviation < input.deviation / 20 || image.deviation > input.deviation * 5)
    out.push_back(text("its contrast (standard deviation) is ", spelled(image.deviation),
                       ", that of the training images ", fixed(input.deviation, 3)));
  return out;
}

Json monai_metadata(ModelAbout const& about) {
  auto const& in = about.input;
  auto const three = in.size.size() == 3;
  auto meaning = Json::object();
  for (std::size_t i = 0; i < about.labels.size(); ++i) meaning[text(i)] = about.labels[i].name;
  auto channels = Json::object();
  for (std::int64_t i = 0; i < in.channels; ++i)
    channels[text(i)] = in.channels == 1 ? "image" : text("channel ", i);
  auto const found = about.provenance.versions.find("libtorch");
  auto const any = three ? Json::array({"*", "*", "*"}) : Json::array({"*", "*"});
  Json const image = {{"type", "image"},
                      {"format", in.unit == "hounsfield" ? "hounsfield" : "magnitude"},
                      {"modality", in.modality == "unknown" ? "n/a" : in.modality},
                      {"num_channels", in.channels},
                      {"spatial_shape", in.size},
                      {"dtype", "float32"},
                      {"value_range", Json::array()},
                      {"is_patch_data", false},
                      {"channel_def", channels}};
  Json const pred = {{"type", about.output.on_grid ? "image" : "probabilities"},
                     {"format", about.output.format},
                     {"num_channels", about.output.channels},
                     {"spatial_shape", about.output.on_grid ? any : Json::array()},
                     {"dtype", "float32"},
                     {"value_range", Json::array()},
                     {"is_patch_data", false},
                     {"channel_def", meaning}};
  return {
      {"version", "1.0.0"},
      {"monai_version", "1.5.0"},
      {"pytorch_version", found == about.provenance.versions.end() ? "2.15.0" : found->second},
      {"numpy_version", "1.26.0"},
      {"required_packages_version", Json::object()},
      {"task", about.task},
      {"description", about.description},
      {"authors", about.authors},
      {"copyright", about.authors},
      {"intended_use", about.intended_use},
      {"network_data_format", {{"inputs", {{"image", image}}}, {"outputs", {{"pred", pred}}}}}};
}

}  // namespace fovea
