#include "learn/classify/predict.hpp"

#include "app/full.hpp"
#include "app/mask_maker.hpp"
#include "app/model_flags.hpp"
#include "app/out.hpp"
#include "base/core/csv.hpp"
#include "base/core/progress.hpp"
#include "base/core/stop.hpp"
#include "base/core/words.hpp"
#include "base/io/picture.hpp"
#include "learn/classify/foreign.hpp"
#include "learn/segment/nnunet.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <optional>

namespace fovea {
namespace {

struct Answerer {
  std::string run_as;  ///< precision, memory format, executor; empty: the network's own
  std::function<Answer(Volume const&)> answer;
};

/// What the archive of a foreign network does not say.
struct ForeignFlags {
  bool trust = false;
  std::string labels;
  Prepare prepare;
  std::vector<CLI::Option*> about;

  void offer(CLI::App& app) {
    app.add_flag("--trust", trust,
                 "run a foreign TorchScript file, or a bundle's: its code may do anything");
    about = {app.add_option("--labels", labels, "of a foreign network: its labels, as a,b,c"),
             app.add_option("--image-size", prepare.width,
                            "of a foreign network: pixels along a side (224)")
                 ->check(CLI::Range(1, 8192)),
             app.add_option("--channels", prepare.channels, "of a foreign network: 1 or 3 (1)")
                 ->check(CLI::IsMember({1, 3})),
             app.add_option("--mean", prepare.mean,
                            "of a foreign network: taken off values 0 to 1 (0.5)"),
             app.add_option("--deviation", prepare.deviation,
                            "of a foreign network: divided by (0.25)")
                 ->check(CLI::PositiveNumber)};
  }

  // A package says all this itself: what was asked for would not be done.
  void expect_none(fs::path const& package) const {
    for (auto const* const option : about) {
      if (option->count() > 0)
        throw Error{Fault::usage,
                    text(option->get_name(), " is of foreign networks; ", package,
                         " says itself how it is to be asked"),
                    "leave it out"};
    }
  }

  std::vector<std::string> label_names() const {
    if (labels.empty()) return {};
    auto names = split(labels, ',');
    auto sorted = names;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end() || sorted.front().empty())
      throw Error{Fault::usage, text("expected --labels that differ, got '", labels, "'"),
                  "name each output of the network once"};
    return names;
  }
};

// Who answers: a run or package, whose recipe and contract are known, or a network of somebody
// else.
Answerer predict_answerer(std::string const& name,
                          ForeignFlags const& foreign,
                          AskedWay const& way) {
  if (!is_torchscript(name)) {
    foreign.expect_none(name);
    auto asked = open_task_model(tasks(), name);
    auto run_as = ask_way(asked.model, way);
    return {std::move(run_as), [asked = std::move(asked)](Volume const& image) {
              return asked.task->answer(asked.model, image);
            }};
  }
  if (way.precision || way.executor)
    throw Error{Fault::usage,
                text(fs::path{name}, " is TorchScript and runs as it was written"),
                "leave --precision and --executor out"};
  if (!foreign.trust)
    throw Error{
        Fault::usage,
        text(fs::path{name}, " is TorchScript: loading it runs the code of whoever made it"),
        "add --trust if you trust them, and say its --labels, --image-size, --channels, --mean "
        "and --deviation"};
  auto prepare = foreign.prepare;
  prepare.height = prepare.width;
  return {{}, ForeignClassifier{name, {.prepare = prepare}, foreign.label_names()}};
}

struct Asked {
  fs::path file;
  std::optional<Answer> answer;
  std::string fault;  // why there is none
};

Asked predict_one(Answerer const& answer, fs::path const& file) {
  try {
    return {file, answer.answer(read_picture(file)), {}};
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
    return {file, std::nullopt, error.what()};
  }
}

Json predict_json(Asked const& asked) {
  Json out = {{"file", asked.file.string()}};
  if (!asked.answer) return out["error"] = asked.fault, out;
  out["label"] = asked.answer->label;
  out["scores"] = Json::object();
  for (auto const& [label, score] : asked.answer->scores) out["scores"][label] = score;
  return out;
}

std::string predict_csv(std::vector<Asked> const& all) {
  std::vector<std::string> head{"file", "label"};
  std::vector<std::string> labels;
  for (auto const& asked : all) {
    if (!asked.answer || !labels.empty()) continue;
    for (auto const& [label, score] : asked.answer->scores) labels.push_back(label);
  }
  for (auto const& label : labels) head.push_back("score " + label);
  head.emplace_back("error");
  auto out = csv_row(head) + "\n";
  for (auto const& asked : all) {
    std::vector<std::string> row{asked.file.string(), asked.answer ? asked.answer->label : ""};
    for (std::size_t c = 0; c < labels.size(); ++c)
      row.push_back(asked.answer ? spelled(asked.answer->scores[c].second) : "");
    row.push_back(asked.fault);
    out += csv_row(row) + "\n";
  }
  return out;
}

std::string predict_ending(fs::path const& out) {
  return lower(out.extension().string());
}

// A folder is what has no ending of a file: `answers.txt` as a folder would surprise.
void predict_expect(fs::path const& out) {
  auto const ending = predict_ending(out);
  if (ending == ".csv" || ending == ".json") return expect_fresh_file(out);
  std::error_code ignored;
  if (!ending.empty() && !fs::is_directory(out, ignored))
    throw Error{Fault::usage,
                text("expected FILE.csv, FILE.json or a folder for the answers, got ", out),
                "choose one of these; if it is to be a folder, write a / behind its name"};
  expect_fresh_folder(out);
}

void predict_write(std::string const& name,
                   std::vector<Asked> const& all,
                   Json const& answers) {
  fs::path const out{name};
  if (predict_ending(out) == ".csv") return write_file(out, predict_csv(all));
  if (predict_ending(out) == ".json") return write_file(out, pretty(answers));
  auto const folder = fresh_folder(out);
  write_file(folder / "answers.csv", predict_csv(all));
  write_file(folder / "answers.json", pretty(answers));
}

Model predict_model(fs::path const& name) {
  return is_nnunet(name) ? nnunet_model(name) : open_model(name);
}

Model predict_other(std::string const& name) {
  expect_own_model(name);
  auto model = predict_model(name);
  if (!model.about.output.on_grid)
    throw Error{Fault::usage, text(fs::path{name}, " answers in words, it labels no voxels"),
                "name a model that makes masks"};
  return model;
}

MaskModels predict_models(std::string const& name, Model model, MaskFlags const& masks) {
  MaskModels out;
  std::vector<std::pair<std::string, Model>> all;
  if (!masks.roi_model.empty()) {
    auto other = predict_other(masks.roi_model);
    auto contract = segment_contract(other.about);
    out.coarse.emplace(std::move(other), std::move(contract));
  } else if (masks.roi) {
    out.coarse.emplace(model, segment_contract(model.about));
  }
  all.emplace_back(name, std::move(model));
  for (auto const& other : masks.with) all.emplace_back(other, predict_other(other));
  out.panel = panel_of(std::move(all));
  return out;
}

}  // namespace

int predict_command(Arguments const& arguments) {
  std::string name;
  std::vector<std::string> inputs;
  std::string out;
  bool json = false;
  ForeignFlags foreign;
  MaskFlags masks;
  CLI::App app{
      "Asks a run or a package about images. An image that breaks the model's contract gets no "
      "answer but a reason.",
      "predict"};
  app.add_option("MODEL", name,
                 "a run's folder, a .fovea package, a folder that nnU-Net trained or a MONAI "
                 "bundle")
      ->required();
  app.add_option("INPUT", inputs, "images, DICOM series, or folders that hold them")
      ->required();
  app.add_option("--out", out,
                 "answers as FILE.csv, FILE.json, or both in a folder; of masks: a folder");
  app.add_flag("--json", json, "print one JSON object");
  masks.offer(app);
  foreign.offer(app);
  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea predict RUN image.png\n"
                  "  fovea predict model.fovea INCOMING --out answers.csv\n"
                  "  fovea predict organs.fovea SERIES --out masks --memory 2G\n"
                  "  fovea predict RUN SCANS --with RUN-2D --out masks --save-probabilities\n"
                  "  fovea predict nnUNetTrainer__nnUNetPlans__3d_fullres SCANS --out masks\n"
                  "  fovea predict spleen_ct_segmentation SCANS --out masks"))
    return 0;
  if (!out.empty() && !masks.resume) predict_expect(out);
  expect_access(name);
  if (is_bundle(name)) {
    foreign.expect_none(name);
    return predict_masks(mask_maker(bundle_model(name, foreign.trust), masks), name, inputs,
                         out, masks, json);
  }
  if (!is_torchscript(name)) {
    auto model = predict_model(name);
    if (model.about.output.on_grid) {
      foreign.expect_none(name);
      return predict_masks(mask_maker(predict_models(name, std::move(model), masks), masks),
                           name, inputs, out, masks, json);
    }
  }
  masks.expect_none(name);
  auto const files = pictures_in(inputs);
  auto const answer = predict_answerer(name, foreign, masks.way());
  auto const& stop = stop_on_signals();
  std::vector<Asked> all;
  Json answers = {{"model", name}, {"run_as", answer.run_as}, {"answers", Json::array()}};
  std::size_t answered = 0;
  Progress progress{"predicting"};
  for (auto const& file : files) {
    if (stop.asked()) break;
    progress.show(static_cast<double>(all.size()), static_cast<double>(files.size()));
    all.push_back(predict_one(answer, file));
    answers["answers"].push_back(predict_json(all.back()));
    if (all.back().answer)
      ++answered;
    else
      warn(text(file, ": ", all.back().fault));
  }
  progress.clear();
  if (!out.empty()) predict_write(out, all, answers);
  if (json)
    print_json(answers);
  else if (out.empty())
    std::cout << predict_csv(all);
  if (all.size() < files.size())
    throw Interrupted{text("stopped after ", all.size(), " of ", files.size(),
                           " images; their answers are written")};
  if (answered == 0)
    throw Error{Fault::input, text("none of the ", files.size(), " images got an answer"),
                "the reasons stand above"};
  return 0;
}

}  // namespace fovea
