#include "learn/foreign/bundle.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

namespace fovea {
namespace {

Json bundle_spleen() {
  return parse_json(R"json({
    "imports": ["$import glob"],
    "bundle_root": ".",
    "image_key": "image",
    "fine": true,
    "pixdim": "$[1.5, 1.5, 2.0] if @fine else [3.0, 3.0, 3.0]",
    "datalist": "$list(sorted(glob.glob(@dataset_dir + '/*.nii.gz')))",
    "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    "network_def": {"_target_": "UNet", "spatial_dims": 3, "channels": [16, 32], "out_channels": "$@classes + 1"},
    "classes": 1,
    "network": "$@network_def.to(@device)",
    "preprocessing": {"_target_": "Compose", "transforms": [
      {"_target_": "LoadImaged", "keys": "@image_key"},
      {"_target_": "monai.transforms.Orientationd", "keys": "@image_key", "axcodes": "RAS"},
      {"_target_": "SpacingD", "keys": "@image_key", "pixdim": "@pixdim", "mode": "bilinear"},
      {"_target_": "EnsureTyped", "keys": "@image_key", "_disabled_": "$not @fine"},
      {"_target_": "ToTensord", "keys": "@image_key", "_disabled_": true}]},
    "dataset": {"_target_": "Dataset", "data": "$[{'image': i} for i in @datalist]", "transform": "@preprocessing"},
    "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "num_workers": 4},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [96, 96, 64], "overlap": 0.5, "mode": "gaussian"},
    "postprocessing": {"_target_": "Compose", "transforms": [
      {"_target_": "Activationsd", "keys": "pred", "softmax": true},
      {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "@image_key", "nearest_interp": false},
      {"_target_": "AsDiscreted", "keys": "pred", "argmax": true}]},
    "evaluator": {"_target_": "SupervisedEvaluator", "device": "@device", "val_data_loader": "@dataloader", "network": "@network",
      "inferer": "@inferer", "postprocessing": "@postprocessing", "amp": true},
    "checkpointloader": {"_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/' + 'model.pt'"},
    "run": ["$@evaluator.run()"]})json",
                    "spleen");
}

std::string bundle_fault(std::function<void()> const& work) {
  try {
    work();
  } catch (Error const& fault) {
    EXPECT_EQ(fault.fault(), Fault::input);
    return fault.what();
  }
  return "nothing was refused";
}

TEST(Bundle, TurnsAnInferenceConfigIntoAPlan) {
  auto const plan = plan_of(BundleConfig{bundle_spleen(), "spleen"});
  EXPECT_EQ(plan.missing, std::vector<std::string>{});
  EXPECT_EQ(plan.network_missing, std::vector<std::string>{});
  EXPECT_EQ(plan.network, "UNet");
  EXPECT_EQ(*plan.network_options.at("out_channels").as<std::int64_t>(), 2);
  ASSERT_EQ(plan.before.size(), 4U);  // the one that is disabled is not there
  EXPECT_EQ(plan.before[1].name, "Orientation");
  EXPECT_EQ(*plan.before[1].options.at("axcodes").as<std::string>(), "RAS");
  EXPECT_EQ(plan.before[2].name, "Spacing");
  EXPECT_EQ(*plan.before[2].options.at("pixdim").as<BundleValue::List>()->at(2).as<double>(),
            2.0);
  EXPECT_EQ(plan.before[3].name, "EnsureType");
  EXPECT_EQ(plan.inferer.kind, BundleInferer::Kind::sliding);
  EXPECT_EQ(plan.inferer.window, (std::vector<std::int64_t>{96, 96, 64}));
  EXPECT_EQ(plan.inferer.overlap, 0.5);
  EXPECT_TRUE(plan.inferer.gaussian);
  ASSERT_EQ(plan.after.size(), 3U);
  EXPECT_EQ(plan.after[2].name, "AsDiscrete");
  EXPECT_TRUE(plan.after[2].options.at("argmax").is_true());
  EXPECT_EQ(plan.weights, "./models/model.pt");
}

TEST(Bundle, FollowsWhatAPersonSaysInPlaceOfTheFile) {
  BundleConfig config{bundle_spleen(), "spleen"};
  config.merge(parse_json(R"({"fine": false, "inferer::overlap": 0.25,
    "postprocessing::transforms::2::argmax": false,
    "+preprocessing::transforms": [{"_target_": "ScaleIntensityd", "keys": "image"}]})",
                          "words"));
  auto const plan = plan_of(config);
  EXPECT_EQ(plan.missing, std::vector<std::string>{});
  EXPECT_EQ(*plan.before[2].options.at("pixdim").as<BundleValue::List>()->at(2).as<double>(),
            3.0);
  EXPECT_EQ(plan.before.back().name, "ScaleIntensity");
  EXPECT_EQ(plan.before.size(), 4U);  // EnsureTyped is disabled now
  EXPECT_EQ(plan.inferer.overlap, 0.25);
  EXPECT_FALSE(plan.after[2].options.at("argmax").is_true());
  EXPECT_NE(
      bundle_fault([&] { config.merge(parse_json(R"({"a::b": 1})", "words")); }).find("'a::b'"),
      std::string::npos);
}

TEST(Bundle, NamesEverythingThatIsMissingAtOnce) {
  struct Row {
    char const* change;
    char const* missing;
  };
  Row const rows[] = {
      {R"json({"inferer": {"_target_": "scripts.Own"}})json", "inferer: scripts.Own"},
      {R"json({"preprocessing::transforms::0": {"_target_": "scripts.Loadd"}})json",
       "the transform scripts.Loadd"},
      {R"json({"preprocessing::transforms::2::turn": 3})json", "Spacing: the argument turn"},
      {R"json({"evaluator::prepare_batch": "$lambda x: x"})json",
       "the evaluator's own prepare_batch"},
      {R"json({"evaluator::_target_": "scripts.Evaluator"})json",
       "evaluator: scripts.Evaluator"},
      {R"json({"checkpointloader::load_path": "/etc/passwd"})json", "'/etc/passwd'"},
      {R"json({"checkpointloader::load_path": "../../model.pt"})json", "'../../model.pt'"},
      {R"json({"dataset::_target_": "CSVDataset"})json", "dataset: CSVDataset"},
      {R"json({"pixdim": "$os.system('ls')"})json", "os.system()"},
      {R"json({"pixdim": "$__import__('os')"})json", "__import__()"},
      {R"json({"pixdim": "$(lambda: 1)()"})json", "a lambda"},
      {R"json({"pixdim": "@pixdim"})json", "stands for itself"},
      {R"json({"pixdim": "$@pixdim"})json", "stands for itself"},
      {R"json({"pixdim": "%other.json::a"})json", "the inclusion"},
      {R"json({"inferer::overlap": "half"})json", "overlap 'half'"},
      {R"json({"inferer::mode": "cosine"})json", "the blend cosine"},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.change);
    BundleConfig config{bundle_spleen(), "spleen"};
    config.merge(parse_json(row.change, "words"));
    auto const plan = plan_of(config);
    EXPECT_TRUE(std::ranges::any_of(plan.missing, [&](auto const& one) {
      return one.find(row.missing) != std::string::npos;
    })) << (plan.missing.empty() ? "nothing" : plan.missing[0]);
  }
}

TEST(Bundle, EvaluatesItsClosedLanguage) {
  BundleConfig const config{
      parse_json(R"({"a": 3, "b": [1, 2.5], "word": "x", "on": true, "none": null,
    "map": {"k": [4, 5]}, "part": {"_target_": "UNet"}})",
                 "test"),
      "test"};
  BundleScope const scope{[&](std::string_view id) { return config.at(id); },
                          [](std::string const& path) { return path == "there"; }};
  std::pair<char const*, char const*> const rows[] = {
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"7 // 2", "3"},
      {"-7 // 2", "-4"},
      {"7 / 2", "3.5"},
      {"@a - 1.5", "1.5"},
      {"-@a", "-3"},
      {"@b[1]", "2.5"},
      {"@b[-1]", "2.5"},
      {"@map#k[0]", "4"},
      {"@map::k::1", "5"},
      {"@map['k'][1]", "5"},
      {"len(@b) + len(@map)", "3"},
      {"@word + '/y'", "'x/y'"},
      {"os.path.join(@word, 'y', \"z\")", "'x/y/z'"},
      {"os.path.exists('there')", "True"},
      {"not os.path.exists('elsewhere')", "True"},
      {"1 if @on else @nothing", "1"},
      {"glob.glob('*') if not @on else 2", "2"},
      {"@none or 5", "5"},
      {"@a and @b[0]", "1"},
      {"@a == 3", "True"},
      {"@a != 3", "False"},
      {"@a >= 4", "False"},
      {"@word == 'x'", "True"},
      {"[1, @a, 'c'][2]", "'c'"},
      {"(1,)", "a list of 1"},
      {"[0] * 3", "a list of 3"},
      {"@b + [3]", "a list of 3"},
      {"@b[1:]", "a list of 1"},
      {"@b[:-1]", "a list of 1"},
      {"list(range(2, 5))[0]", "2"},
      {"{'a': @a}", "a dictionary of 1"},
      {"int(2.9)", "2"},
      {"float(@a)", "3"},
      {"str(@a)", "'3'"},
      {"torch.float32", "torch.float32"},
      {"np.uint8", "np.uint8"},
      {"monai.utils.CommonKeys.IMAGE", "'image'"},
      {"@part.to(torch.device('cuda:0' if torch.cuda.is_available() else 'cpu'))",
       "the part 'UNet'"},
      {"copy.deepcopy(@b)", "a list of 2"},
      {"None", "None"},
      {"1.5e-3", "0.0015"},
  };
  for (auto const& [words, value] : rows) {
    SCOPED_TRACE(words);
    EXPECT_EQ(bundle_expression(words, scope, "test").in_words(), value);
  }
}

TEST(Bundle, RefusesEveryOtherExpressionByNamingWhatItAsksFor) {
  BundleConfig const config{parse_json(R"({"b": [1]})", "test"), "test"};
  BundleScope const scope{[&](std::string_view id) { return config.at(id); },
                          [](std::string const&) { return false; }};
  std::pair<std::string, char const*> const rows[] = {
      {"open('/etc/passwd').read()", "open"},
      {"eval('1')", "eval()"},
      {"().__class__.__bases__[0]", "__class__"},
      {"[x for x in @b]", "a comprehension"},
      {"import os", "'os'"},
      {"os.system", "os.system"},
      {"@b.append(1)", ".append()"},
      {"@b(1)", "such a call"},
      {"1 / 0", "a product or quotient of 1 and 0"},
      {"[0] * 1000000000", "a list of 2097152 values"},
      {"[[0] * 10000] * 10000 * 10000", "a list of"},
      {"range(1000000000)", "a list of 1000000000 values"},
      {"2 ** 100", "'* 100'"},
      {"'a' * 3", "a product"},
      {"@b[7]", "value 7 of 1"},
      {"@missing", "no entry 'missing'"},
      {"1 +", "more than it says"},
      {"'a", "without end"},
      {"1 2", "'2'"},
      {"", "more than it says"},
      {std::string(5000, '1'), "5000 bytes"},
      {std::string(200, '('), "brackets that deep"},
      {std::string(3000, '-') + "1", "brackets that deep"},
      {"len(a=1)", "the argument a="},
  };
  for (auto const& [words, missing] : rows) {
    SCOPED_TRACE(words.substr(0, 60));
    auto const fault =
        bundle_fault([&, &words = words] { bundle_expression(words, scope, "test"); });
    EXPECT_NE(fault.find(missing), std::string::npos) << fault;
  }
}

TEST(Bundle, ReadsYamlAsPythonDoes) {
  auto const json = parse_bundle_yaml(R"(---
a: 1
b: [1.5, 1e-3, yes, ~, "2", 'no']
c:
  - _target_: X
    d: "@a"
  - null
"quoted": $@a + 1
long: "$one
  two"
)",
                                      "test");
  EXPECT_EQ(json.dump(),
            R"({"a":1,"b":[1.5,"1e-3",true,null,"2","no"],)"
            R"("c":[{"_target_":"X","d":"@a"},null],"quoted":"$@a + 1","long":"$one two"})");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "- ";
  std::pair<std::string, char const*> const rows[] = {
      {"a: &x 1", "anchor"},
      {"a: *x", "anchor is not defined"},
      {"a: !!python/object:os.system 1", "a tag"},
      {"a: 1\na: 2", "twice"},
      {"--- 1\n--- 2", "second document"},
      {"[1]: 2", "a key that is no text"},
      {deep, "64 levels"},
      {"a: [1", "expected YAML"},
  };
  for (auto const& [words, said] : rows) {
    SCOPED_TRACE(words);
    auto const fault = bundle_fault([&, &words = words] { parse_bundle_yaml(words, "test"); });
    EXPECT_NE(fault.find(said), std::string::npos) << fault;
  }
}

// Entries that name each other twice double with every step.
TEST(Bundle, RefusesConfigsThatOutgrowThemselves) {
  Json root = {{"e0", {1, 2}}};
  for (int i = 1; i < 25; ++i) root[text("e", i)] = {text("@e", i - 1), text("@e", i - 1)};
  BundleConfig const config{root, "test"};
  EXPECT_EQ(config.at("e3").in_words(), "a list of 2");
  EXPECT_NE(bundle_fault([&] { config.at("e24"); }).find("more than"), std::string::npos);
}

TEST(Bundle, ReadsAFolderAndSaysWhatIsNone) {
  ScratchFolder const room;
  EXPECT_NE(bundle_fault([&] { read_bundle(room.path()); }).find("configs/inference.json"),
            std::string::npos);
  make_folder(room.path() / "configs");
  auto json = bundle_spleen();
  json["bundle_root"] = "/elsewhere";
  write_file(room.path() / "configs/inference.json", json.dump());
  write_file(room.path() / "configs/metadata.json", std::string_view{R"({"version": "1"})"});
  auto const bundle = read_bundle(room.path());
  EXPECT_EQ(bundle.metadata.at("version"), "1");
  EXPECT_EQ(plan_of(bundle.config).weights, "./models/model.pt");
  write_file(room.path() / "configs/inference.json", std::string_view{"[1]"});
  EXPECT_THROW(read_bundle(room.path()), Error);
}

// A census of MONAI's model zoo: what of it is understood whole, and what the others lack.
TEST(Bundle, KnowsAllThatItsPartOfTheZooAsksFor) {
  auto const zoo = fs::path{FOVEA_SOURCE_DIR} / "../shared/reference/monai-zoo";
  if (!fs::exists(zoo)) GTEST_SKIP() << zoo << " is not here";
  std::vector<std::string> understood;
  std::size_t all = 0;
  for (auto const& entry : fs::directory_iterator{zoo}) {
    if (!entry.is_directory()) continue;
    ++all;
    auto const name = entry.path().filename().string();
    auto const plan = plan_of(read_bundle(entry.path()).config);
    if (plan.missing.empty())
      understood.push_back(name);
    else
      std::cout << name << ": " << joined(plan.missing, "; ") << '\n';
  }
  std::cout << understood.size() << " of " << all << " are understood\n";
  std::ranges::sort(understood);
  EXPECT_EQ(all, 31U);
  EXPECT_EQ(understood, (std::vector<std::string>{
                            "brats_mri_segmentation", "breast_density_classification",
                            "classification_template", "endoscopic_tool_segmentation",
                            "multi_organ_segmentation", "pancreas_ct_dints_segmentation",
                            "pediatric_abdominal_ct_segmentation", "prostate_mri_anatomy",
                            "renalStructures_UNEST_segmentation", "segmentation_template",
                            "spleen_ct_segmentation", "swin_unetr_btcv_segmentation",
                            "ventricular_short_axis_3label", "wholeBody_ct_segmentation",
                            "wholeBrainSeg_Large_UNEST_segmentation"}));
}

}  // namespace
}  // namespace fovea
