#include "learn/foreign/bundle_lambda.hpp"

#include "base/core/error.hpp"
#include "learn/foreign/bundle_facts.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

// Two voxels of three channels: 1 2, 3 4, 5 6.
Volume lambda_image() {
  Volume out{upright({2, 1, 1}, {}), Type::f32, Unit::arbitrary, 3};
  for (std::size_t n = 0; n < 6; ++n) out.write<float>()[n] = static_cast<float>(n + 1);
  return out;
}

TEST(BundleLambda, DoesWhatPythonWould) {
  std::pair<char const*, std::vector<float>> const rows[] = {
      {"lambda x: x", {1, 2, 3, 4, 5, 6}},
      {"$lambda img: img * 2 - 1", {1, 3, 5, 7, 9, 11}},
      {"lambda x: -x / 2", {-0.5, -1, -1.5, -2, -2.5, -3}},
      {"lambda x: x[1:]", {3, 4, 5, 6}},
      {"lambda x : x[:-1]", {1, 2, 3, 4}},
      {"lambda x: x[[2]]", {5, 6}},
      {"lambda x: x[[-1, 0]]", {5, 6, 1, 2}},
      {"lambda x: x > 3", {0, 0, 0, 1, 1, 1}},
      {"lambda x: (x != 3).float()", {1, 1, 0, 1, 1, 1}},
      {"lambda x: x[1:] + x[[0]]", {4, 6, 6, 8}},
      {"lambda x: torch.where(x[[0]] > 1, 7, x[[2]])", {5, 7}},
  };
  for (auto const& [words, expected] : rows) {
    SCOPED_TRACE(words);
    auto const out = BundleLambda{words, "test"}(lambda_image());
    auto const values = out.as<float>();
    EXPECT_EQ(std::vector<float>(values.begin(), values.end()), expected);
  }
  EXPECT_EQ((BundleLambda{"lambda x: torch.where(x[[2]] > 0, 4, torch.where(x > 3, 1, 0))", "t"}
                 .values()
                 .size()),
            3U);
}

TEST(BundleLambda, RefusesEverythingElseByName) {
  std::pair<char const*, char const*> const rows[] = {
      {"x + 1", "a function of one argument"},
      {"lambda x, y: x", "a function of one argument"},
      {"lambda: 1", "a function of one argument"},
      {"lambda x: y", "asks for y"},
      {"lambda x: os.system('ls')", ".system()"},
      {"lambda x: torch.load(x)", "torch.load()"},
      {"lambda x: x.numpy()", ".numpy()"},
      {"lambda x: x.__class__", "asks for"},
      {"lambda x: x[0]", "no list of channels"},
      {"lambda x: __import__('os')", "such a call"},
      {"lambda x: 1", "a number in place of an image"},
      {"lambda x: x[[7]]", "channel 7 of 3"},
      {"lambda x: x[5:]", "no channel at all"},
      {"lambda x: x[1:] + x", "2 channels beside 3"},
  };
  for (auto const& [words, said] : rows) {
    SCOPED_TRACE(words);
    try {
      BundleLambda{words, "test"}(lambda_image());
      ADD_FAILURE() << "it was run";
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::input);
      EXPECT_NE(std::string{fault.what()}.find(said), std::string::npos) << fault.what();
    }
  }
}

Json facts_metadata() {
  return parse_json(R"({"version": "1", "network_data_format": {
    "inputs": {"image": {"num_channels": 2, "spatial_shape": ["*", "*"], "channel_def": {"1": "T2"}}},
    "outputs": {"pred": {"type": "image", "num_channels": 2, "channel_def": {"0": "background", "1": "cyst"}}}}})",
                    "test");
}

TEST(BundleFacts, ReadsWhatGoesInAndOut) {
  auto const facts = bundle_facts(facts_metadata(), "test");
  EXPECT_EQ(facts.channels, (std::vector<std::string>{"channel 0", "T2"}));
  EXPECT_EQ(facts.outputs, (std::vector<std::string>{"background", "cyst"}));
  EXPECT_EQ(facts.dimensions, 2);
  EXPECT_TRUE(facts.labels_voxels);
  BundlePlan plan;
  plan.after.push_back({"AsDiscrete", {{"argmax", {true}}}});
  ASSERT_EQ(bundle_label_names(plan, facts).size(), 1U);
  EXPECT_EQ(bundle_label_names(plan, facts)[0].name, "cyst");
  std::pair<char const*, std::vector<std::string>> const rows[] = {
      {"lambda x: torch.where(x > 0, 4.0, 0)", {"label 4"}},
      {"lambda x: torch.where(x == 7, 2.5, 0)", {"cyst"}},
      {"lambda x: torch.where(x == 7, 4, x)", {"cyst", "label 4"}},
      {"lambda x: torch.where(x == 7, 1, x.float())", {"cyst"}},
  };
  for (auto const& [function, names] : rows) {
    SCOPED_TRACE(function);
    auto more = plan;
    more.after.push_back({"Lambda", {{"func", {std::string{function}}}}});
    std::vector<std::string> got;
    for (auto const& label : bundle_label_names(more, facts)) got.push_back(label.name);
    EXPECT_EQ(got, names);
  }
}

TEST(BundleFacts, NamesTheFieldThatIsMissing) {
  std::pair<char const*, char const*> const rows[] = {
      {R"({"network_data_format": null})", "network_data_format"},
      {R"({"network_data_format": {"inputs": {"image": {"num_channels": null}}}})",
       "num_channels"},
      {R"({"network_data_format": {"inputs": {"image": {"num_channels": 0}}}})",
       "num_channels"},
      {R"({"network_data_format": {"inputs": {"image": {"num_channels": 1e30}}}})",
       "num_channels"},
      {R"({"network_data_format": {"inputs": {"image": {"spatial_shape": [1]}}}})",
       "spatial_shape"},
      {R"({"network_data_format": {"outputs": {"pred": 3}}})", "a tensor's description"},
  };
  for (auto const& [change, said] : rows) {
    SCOPED_TRACE(change);
    auto metadata = facts_metadata();
    metadata.merge_patch(parse_json(change, "change"));
    try {
      bundle_facts(metadata, "test");
      ADD_FAILURE() << "it was taken";
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::input);
      EXPECT_NE(std::string{fault.what()}.find(said), std::string::npos) << fault.what();
    }
  }
}

}  // namespace
}  // namespace fovea
