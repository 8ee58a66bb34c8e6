#include "learn/model/package.hpp"

#include "base/core/error.hpp"
#include "learn/model/state.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>

namespace fovea {
namespace {

Graph package_test_graph(std::int64_t out = 2) {
  Graph graph;
  graph.drawn_by = "package_test";
  auto at =
      graph.add("input", {}, {{"channels", std::int64_t{1}}, {"dimensions", std::int64_t{2}}});
  at = graph.add(
      "conv", {at},
      {{"out", std::int64_t{3}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
      "conv1");
  at = graph.add("relu", {graph.add("batch_norm", {at}, {}, "bn1")});
  graph.marks["features"] = at;
  graph.marks["embedding"] = at = graph.add("global_avg_pool", {at});
  graph.add("linear", {at}, {{"out", out}}, "fc");
  return graph;
}

Model package_test_model(std::size_t networks = 1) {
  Model model;
  model.about.task = "classify";
  model.about.name = "Test";
  model.about.input = {.size = {8, 8}, .smallest = {8, 8}, .largest = {8, 8}};
  model.about.output.channels = 2;
  model.about.labels = {{"no", {}}, {"yes", {}}};
  for (std::size_t i = 0; i < networks; ++i) {
    auto& network = model.networks.emplace_back(package_test_graph(), 20 + i);
    network.train(at::rand(
        {4, 1, 8,
         8}));  // so that the running statistics are no longer those of a fresh network
  }
  return model;
}

at::Tensor package_test_input() {
  return (at::arange(128).reshape({2, 1, 8, 8}) * 0.37).sin();
}

/// The package's members, to write them anew with others.
std::vector<ZipMember> package_test_members(fs::path const& file) {
  Container const package{file};
  std::vector<ZipMember> members;
  for (auto const& name : package.names()) members.push_back({name, package.read(name)});
  return members;
}

void package_test_replace(std::vector<ZipMember>& members,
                          std::string const& name,
                          Bytes bytes) {
  for (auto& member : members) {
    if (member.name == name) member.bytes = std::move(bytes);
  }
}

std::string package_test_refusal(fs::path const& file) {
  try {
    read_package(file);
    return "was read";
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input) << error.what();
    return error.what();
  }
}

}  // namespace

TEST(Package, PredictsBitForBitWhatWasPacked) {
  ScratchFolder const folder;
  for (std::size_t networks : {1U, 3U}) {
    auto const file = folder.path() / text("größe ", networks, ".fovea");
    auto const model = package_test_model(networks);
    write_package(file, model);
    auto const back = read_package(file);
    ASSERT_EQ(back.networks.size(), networks);
    for (std::size_t i = 0; i < networks; ++i)
      EXPECT_TRUE(back.networks[i](package_test_input())
                      .equal(model.networks[i](package_test_input())));
    EXPECT_EQ(to_json(back.about), to_json(model.about));
    EXPECT_EQ(back.identity.size(), 64U);
  }
}

TEST(Package, HoldsWhatPeopleAndOtherProgramsRead) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.fovea";
  write_package(file, package_test_model());
  Container const package{file};
  for (auto const* name : {"package.json", "network.json", "weights.safetensors", "model.ts",
                           "card.md", "LICENSE", "configs/metadata.json"})
    EXPECT_FALSE(package.read(name).empty()) << name;
  EXPECT_EQ(read_about(package).labels[1].name, "yes");
}

// What draws networks is never asked: a graph that no function of this program draws runs as it
// is stored.
TEST(Package, RunsTheStoredGraph) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.fovea";
  auto const model = package_test_model();
  write_package(file, model);
  auto members = package_test_members(file);
  auto graph = model.networks[0].graph();
  graph.add("relu", {graph.nodes.size() - 1});
  auto const words = pretty(to_json(graph));
  package_test_replace(members, "network.json", member_of("", words).bytes);
  write_container(file, members);
  auto const expected = model.networks[0](package_test_input()).clamp_min(0);
  ASSERT_FALSE(expected.equal(model.networks[0](package_test_input())));
  EXPECT_TRUE(read_package(file).networks[0](package_test_input()).equal(expected));
}

TEST(Package, RefusesPartsThatDoNotBelongTogether) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.fovea";
  write_package(file, package_test_model());
  auto const good = package_test_members(file);
  auto const put = [&](std::string const& name, Bytes bytes) {
    auto members = good;
    package_test_replace(members, name, std::move(bytes));
    write_container(file, members);
    return package_test_refusal(file);
  };
  EXPECT_NE(put("weights.safetensors", encode_weights(Network{package_test_graph(5), 0}))
                .find("does not belong"),
            std::string::npos);
  EXPECT_NE(put("weights.safetensors", encode_safetensors({})).find("none of the 0"),
            std::string::npos);
  EXPECT_NE(put("network.json", member_of("", "{}").bytes), "was read");
  EXPECT_NE(put("package.json", member_of("", "{}").bytes), "was read");
  auto broken = package_test_model();
  {
    c10::NoGradGuard const quiet;
    at::Tensor{broken.networks[0].parameters()[0].value}.fill_(NAN);
  }
  EXPECT_NE(put("weights.safetensors", encode_weights(broken.networks[0])).find("not finite"),
            std::string::npos);
  auto more = good;
  more.push_back(member_of("scripts/run.py", "print()"));
  write_container(file, more);
  EXPECT_NE(package_test_refusal(file).find("scripts/run.py"), std::string::npos);
  auto fewer = good;
  std::erase_if(fewer, [](ZipMember const& member) { return member.name == "network.json"; });
  write_container(file, fewer);
  EXPECT_NE(package_test_refusal(file), "was read");
  EXPECT_THROW(write_package(file, Model{}), Error);
}

// Written by version 1 of the format, never to be written again: new programs read old
// packages.
TEST(Package, OfEveryOldVersionIsReadAndPredictsTheSameNumbers) {
  auto const model = read_package(fs::path{FOVEA_SOURCE_DIR} / "tests/seeds/package_v1.fovea");
  EXPECT_EQ(model.about.task, "classify");
  EXPECT_EQ(model.about.labels.at(1).name, "yes");
  auto const out = model.networks.at(0)(package_test_input());
  double const expected[2][2] = {{0.121062666, 0.368349612}, {0.079108052, 0.349374533}};
  for (int image = 0; image < 2; ++image) {
    for (int label = 0; label < 2; ++label)
      EXPECT_NEAR(out[image][label].item<double>(), expected[image][label], 1e-5);
  }
}

TEST(LoadWeights, SaysWhatMatchedAndSkipsAHeadForOtherClasses) {
  ScratchFolder const folder;
  Network const trained{package_test_graph(5), 1};
  Network fresh{package_test_graph(2), 2};
  auto const file = folder.path() / "weights.safetensors";
  write_file(file, encode_weights(trained));
  auto const matched = load_weights(fresh, file);
  EXPECT_EQ(matched.wrong_shape, (std::vector<std::string>{"fc.weight", "fc.bias"}));
  EXPECT_EQ(matched.loaded.size(), 6U)
      << "conv1 weight and bias, bn1 weight, bias, mean and variance";
  EXPECT_TRUE(matched.missing.empty() && matched.unexpected.empty());
  EXPECT_TRUE(fresh.parameters()[0].value.equal(trained.parameters()[0].value));
  EXPECT_TRUE(fresh.parameters()[0].value.requires_grad());
  EXPECT_EQ(
      in_words(matched),
      "6 of 8 tensors loaded; kept, as the file's have another shape: fc.weight, fc.bias");
}

TEST(LoadWeights, ReadsPyTorchsStateDictWithItsWrapperAndCounter) {
  Network const trained{package_test_graph(), 1};
  auto const file = decode_safetensors(encode_weights(trained), "x");
  std::vector<Blob> theirs;
  for (auto blob : file.blobs) {
    if (blob.name == "bn1.bias") continue;
    blob.name = "module." + blob.name;
    theirs.push_back(blob);
  }
  std::int64_t const steps = 12;
  theirs.push_back(
      {"module.bn1.num_batches_tracked", Dtype::i64, {}, std::as_bytes(std::span{&steps, 1})});
  theirs.push_back({"module.aux.bias", Dtype::i64, {1}, std::as_bytes(std::span{&steps, 1})});
  Network fresh{package_test_graph(), 2};
  auto const matched =
      load_weights(fresh, decode_safetensors(encode_safetensors(theirs), "y"), "y");
  EXPECT_EQ(matched.loaded.size(), 7U);
  EXPECT_EQ(matched.missing, (std::vector<std::string>{"bn1.bias"}));
  EXPECT_EQ(matched.unexpected, (std::vector<std::string>{"aux.bias"}));
  EXPECT_TRUE(fresh(package_test_input()).allclose(trained(package_test_input())));
}

TEST(LoadWeights, ReadsAPackageAndSumsColoursForGreyImages) {
  ScratchFolder const folder;
  auto model = package_test_model();
  auto graph = package_test_graph();
  graph.nodes[0].options["channels"] = std::int64_t{3};
  model.networks = {Network{graph, 5}};
  auto const file = folder.path() / "x.fovea";
  write_package(file, model);
  Network grey{package_test_graph(), 2};
  auto const matched = load_weights(grey, file);
  EXPECT_EQ(matched.adapted, (std::vector<std::string>{"conv1.weight"}));
  auto const colour = package_test_input().repeat({1, 3, 1, 1});
  EXPECT_TRUE(grey(package_test_input()).allclose(model.networks[0](colour), 1e-4, 1e-5))
      << "grey in three channels gives the same";
}

TEST(LoadWeights, RefusesFilesThatAreNoWeightsAndLeavesTheNetworkAsItWas) {
  ScratchFolder const folder;
  Network network{package_test_graph(), 2};
  auto const before = encode_weights(network);
  write_file(folder.path() / "words.txt", "no weights here");
  EXPECT_THROW(load_weights(network, folder.path() / "words.txt"), Error);
  EXPECT_THROW(load_weights(network, folder.path() / "none"), Error);
  float const nan[] = {NAN, 0, 0};
  std::vector<Blob> const bad = {
      {"bn1.weight", Dtype::f32, {3}, std::as_bytes(std::span{nan})}};
  EXPECT_THROW(load_weights(network, decode_safetensors(encode_safetensors(bad), "x"), "x"),
               Error);
  std::vector<Blob> const strange = {
      {"strange", Dtype::f32, {3}, std::as_bytes(std::span{nan})}};
  EXPECT_THROW(load_weights(network, decode_safetensors(encode_safetensors(strange), "x"), "x"),
               Error);
  EXPECT_EQ(encode_weights(network), before);
}

TEST(Package, KeepsTheModelThatIsAskedBefore) {
  ScratchFolder const scratch;
  auto const file = scratch.path() / "model.fovea";
  auto model = package_test_model();
  model.before = std::make_shared<Model const>(package_test_model(2));
  write_package(file, model);
  auto const read = read_package(file);
  ASSERT_EQ(read.networks.size(), 1U);
  ASSERT_NE(read.before, nullptr);
  ASSERT_EQ(read.before->networks.size(), 2U);
  EXPECT_EQ(read.before->before, nullptr);
  auto const input = package_test_input();
  for (std::size_t n = 0; n < 2; ++n)
    EXPECT_TRUE(at::equal(read.before->networks[n](input), model.before->networks[n](input)));
  auto members = package_test_members(file);
  members.push_back(member_of("before/more.json", "{}"));
  write_container(file, std::move(members));
  EXPECT_NE(package_test_refusal(file).find("before/more.json"), std::string::npos);
}

}  // namespace fovea
