#include "learn/foreign/checkpoint.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fovea {
namespace {

fs::path checkpoint_seed(std::string const& name) {
  return fs::path{FOVEA_SOURCE_DIR} / "tests/seeds/checkpoint_fuzz" / name;
}

std::vector<float> checkpoint_floats(TorchCheckpoint const& checkpoint, std::string_view name) {
  auto const& tensor = *checkpoint.root().find(name)->as<PickledTensor>();
  auto const bytes = checkpoint.read(tensor);
  Blob const blob{.name = "", .dtype = tensor.dtype, .shape = tensor.shape, .bytes = bytes};
  std::vector<float> out(static_cast<std::size_t>(blob.count()));
  to_floats(blob, out);
  return out;
}

std::vector<float> checkpoint_floats(Safetensors const& weights, std::string_view name) {
  auto const* blob = weights.find(name);
  if (blob == nullptr) return {};
  std::vector<float> out(static_cast<std::size_t>(blob->count()));
  to_floats(*blob, out);
  return out;
}

using Floats = std::vector<float>;

TEST(TorchCheckpoint, GivesTensorsOfEveryTypeAsTheyWereSaved) {
  TorchCheckpoint const types{checkpoint_seed("types.pt")};
  struct Row {
    char const* name;
    Dtype dtype;
    Floats values;
  };
  Row const rows[] = {
      {"f64", Dtype::f64, {0, 1, 2, 3, 4, 5}},
      {"f32", Dtype::f32, {0, 1, 2, 3, 4, 5}},
      {"f16", Dtype::f16, {0, 0.25F, 0.5F, 0.75F, 1, 1.25F}},
      {"bf16", Dtype::bf16, {0, 0.25F, 0.5F, 0.75F, 1, 1.25F}},
      {"i64", Dtype::i64, {-3, -2, -1, 0, 1, 2}},
      {"i32", Dtype::i32, {-3, -2, -1, 0, 1, 2}},
      {"i16", Dtype::i16, {-3, -2, -1, 0, 1, 2}},
      {"i8", Dtype::i8, {-3, -2, -1, 0, 1, 2}},
      {"u8", Dtype::u8, {0, 1, 2, 3, 4, 5}},
      {"bool", Dtype::boolean, {0, 0, 0, 1, 1, 1}},
      {"one", Dtype::f32, {2.5F}},
      {"none", Dtype::f32, {}},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.name);
    auto const* tensor = types.root().find(row.name)->as<PickledTensor>();
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(tensor->dtype, row.dtype);
    EXPECT_EQ(checkpoint_floats(types, row.name), row.values);
  }
  EXPECT_EQ(types.root().find("f64")->as<PickledTensor>()->shape,
            (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(types.root().find("one")->as<PickledTensor>()->shape.empty());
  EXPECT_EQ(types.weights(types.state_dict()).blobs.size(), std::size(rows));
}

TEST(TorchCheckpoint, FollowsStridesIntoASharedStorage) {
  TorchCheckpoint const strided{checkpoint_seed("strided.pt")};
  EXPECT_EQ(checkpoint_floats(strided, "turned"),
            (Floats{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
  EXPECT_EQ(checkpoint_floats(strided, "column"), (Floats{1, 5, 9}));
  EXPECT_EQ(checkpoint_floats(strided, "part"), (Floats{6, 7, 10, 11}));
  EXPECT_EQ(checkpoint_floats(strided, "last"), (Floats{11}));
  auto const weights = strided.weights(strided.root());
  EXPECT_EQ(checkpoint_floats(weights, "turned"), checkpoint_floats(strided, "turned"));
  EXPECT_EQ(checkpoint_floats(weights, "all"), (Floats{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

TEST(TorchCheckpoint, FindsTheStateDictWhereverPeoplePutIt) {
  for (auto const* name : {"state.pt", "state_4.pt", "logged.pt"}) {
    SCOPED_TRACE(name);
    TorchCheckpoint const checkpoint{checkpoint_seed(name)};
    auto const weights = checkpoint.weights(checkpoint.state_dict());
    EXPECT_EQ(weights.blobs.size(), 7U);
    EXPECT_EQ(checkpoint_floats(weights, "0.weight"), (Floats{0.5F, 0.5F}));
    EXPECT_EQ(checkpoint_floats(weights, "1.num_batches_tracked"), (Floats{3}));
    ASSERT_NE(weights.find("0.weight"), nullptr);
    EXPECT_EQ(weights.find("0.weight")->shape, (std::vector<std::int64_t>{1, 2}));
    // The whole is a sound safetensors file.
    auto const again = decode_safetensors(encode_safetensors(weights.blobs), "again");
    EXPECT_EQ(again.blobs.size(), 7U);
  }
}

TEST(TorchCheckpoint, GivesPlainValuesAndNumPysNumbers) {
  TorchCheckpoint const checkpoint{checkpoint_seed("logged.pt")};
  auto const& root = checkpoint.root();
  EXPECT_EQ(*root.find("trainer_name")->as<std::string>(), "nnUNetTrainer");
  EXPECT_EQ(*root.find("current_epoch")->as<std::int64_t>(), 7);
  EXPECT_EQ(*root.find("_best_ema")->as<double>(), 0.75);
  auto const& log = *root.find("logging");
  EXPECT_EQ(*log.find("mean_fg_dice")->as<Pickled::List>()->at(1).as<double>(), 0.25);
  EXPECT_EQ(*log.find("half")->as<double>(), 1.5);
  EXPECT_EQ(*log.find("on")->as<bool>(), true);
  EXPECT_EQ(*log.find("byte")->as<std::int64_t>(), 200);
  auto const& far = *log.find("far")->as<PickledArray>();
  EXPECT_EQ(far.shape, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(far.bytes.size(), 16U);
  EXPECT_EQ(log.find("short")->as<PickledArray>()->dtype, Dtype::i16);
  EXPECT_EQ(root.find("sizes")->as<Pickled::List>()->size(), 2U);
  EXPECT_EQ(root.find("device")->as<PickledName>()->words, "torch.device('cuda:1')");
  EXPECT_EQ(root.find("dtype")->as<PickledName>()->words, "torch.bfloat16");
  EXPECT_EQ(root.find("set")->as<Pickled::List>()->size(), 1U);
  EXPECT_EQ(*root.find("bytes")->as<Bytes>(), (Bytes{std::byte{0}, std::byte{255}}));
  EXPECT_TRUE(root.find("nothing")->as<Bytes>()->empty());
  EXPECT_EQ(checkpoint_floats(checkpoint, "parameter"), (Floats{1, 1}));
  auto const& numbers = *root.find("far")->as<Pickled::List>();
  EXPECT_EQ(*numbers[0].as<std::int64_t>(), std::int64_t{1} << 40);
  EXPECT_EQ(*numbers[1].as<std::int64_t>(), -(std::int64_t{1} << 40));
  EXPECT_EQ(*numbers[2].as<std::int64_t>(), -1);
  EXPECT_EQ(*numbers[3].as<double>(), 1e300);
  EXPECT_TRUE(numbers[4].is_none());
  EXPECT_EQ(*root.find("text")->as<std::string>(), "Größe \xF0\x9F\x98\x80");
  EXPECT_EQ(root.find("missing"), nullptr);
  EXPECT_EQ(root.find("sizes")->in_words(), "a list of 2");
}

TEST(TorchCheckpoint, ReadsTheWeightsOfTorchScriptWithoutItsCode) {
  TorchCheckpoint const script{checkpoint_seed("script.ts")};
  EXPECT_TRUE(script.is_script());
  auto const weights = script.weights(script.state_dict());
  EXPECT_EQ(checkpoint_floats(weights, "body.0.conv.weight"), (Floats{0.5F, 0.5F}));
  EXPECT_EQ(checkpoint_floats(weights, "body.0.conv.bias"), (Floats{1.5F, 1.5F}));
  EXPECT_EQ(checkpoint_floats(weights, "body.1.weight"), (Floats{2.5F, 2.5F}));
  EXPECT_EQ(checkpoint_floats(weights, "scale"), (Floats{2}));
}

std::string checkpoint_fault(std::string const& name) {
  auto const file = checkpoint_seed(name);
  try {
    if (name.ends_with(".pkl"))
      decode_pickle(read_file(file, 1 << 20), name);
    else
      TorchCheckpoint const checkpoint{file};
  } catch (Error const& fault) {
    EXPECT_EQ(fault.fault(), Fault::input);
    return fault.what();
  }
  return "it was read";
}

TEST(TorchCheckpoint, RefusesByNameWhatIsNeitherTensorNorPlainValue) {
  std::pair<char const*, char const*> const rows[] = {
      {"system.pkl", "posix.system"},
      {"system_4.pkl", "posix.system"},
      {"system.pt", "posix.system"},
      {"popen.pkl", "subprocess.Popen"},
      {"eval.pkl", "__builtin__.eval"},
      {"getattr.pkl", "__builtin__.getattr"},
      {"new_object.pkl", "collections.OrderedDict.__new__"},
      {"call_storage.pkl", "torch.FloatStorage(…)"},
      {"script_class.pkl", "__torch__.Net"},
      {"object_array.pkl", "numpy.dtype of 'O8'"},
      {"text_scalar.pkl", "numpy.dtype of 'U1'"},
      {"counter.pkl", "collections.Counter"},
  };
  for (auto const& [name, asked] : rows) {
    SCOPED_TRACE(name);
    auto const fault = checkpoint_fault(name);
    EXPECT_NE(fault.find(text("it asks for '", asked, "'")), std::string::npos) << fault;
  }
  EXPECT_FALSE(fs::exists("/tmp/owned"));
}

TEST(TorchCheckpoint, RefusesWhatIsUnsound) {
  std::pair<char const*, char const*> const rows[] = {
      {"deep.pkl", "deeper than 64"},
      {"itself.pkl", "contain themselves"},
      {"laughs.pkl", "written out it holds more"},
      {"giant_text.pkl", "expected 4294967295 more bytes, got 4"},
      {"giant_bytes.pkl", "more bytes, got 4"},
      {"giant_memo.pkl", "remembers a value as number 4294967295"},
      {"unremembered.pkl", "never remembered"},
      {"empty_stack.pkl", "where there is none"},
      {"no_mark.pkl", "none was set"},
      {"no_mark.pkl", "byte 2"},
      {"odd_items.pkl", "has no value"},
      {"append_to_number.pkl", "adds a value to 1"},
      {"not_utf8.pkl", "no UTF-8"},
      {"long.pkl", "9 bytes"},
      {"cut.pkl", "more bytes"},
      {"marks.pkl", "marks"},
      {"twice.pkl", "'a' twice"},
      {"protocol_0.pkl", "protocol 2 or later"},
      {"big_endian.pkl", "little-endian"},
      {"short_storage.pt", "is said to hold 12 values of type F32 and has 44 bytes"},
      {"no_storage.pt", "is missing"},
      {"big.pt", "not little-endian"},
      {"bomb.pt", "more bytes than the file has"},
      {"escape.pt", "../../etc/passwd"},
      {"two.pt", "2 folders"},
      {"reach.pt", "reaches beyond its storage '0' of 12 values"},
      {"repeated.pt", "reaches beyond its storage"},
      {"legacy.pt", "before version 1.6"},
      {"other.zip", "0 folders"},
      {"missing.pt", "missing.pt"},
  };
  for (auto const& [name, said] : rows) {
    SCOPED_TRACE(name);
    auto const fault = checkpoint_fault(name);
    EXPECT_NE(fault.find(said), std::string::npos) << fault;
  }
}

TEST(TorchCheckpoint, SaysWhichKeysItFoundInsteadOfWeights) {
  TorchCheckpoint const checkpoint{checkpoint_seed("logged.pt")};
  EXPECT_THROW(checkpoint.weights(*checkpoint.root().find("logging")), Error);
  EXPECT_THROW(checkpoint.weights(checkpoint.state_dict(), 8), Error);
  auto const bytes = read_file(checkpoint_seed("copies.pkl"), 1 << 20);
  EXPECT_EQ(decode_pickle(bytes, "copies").as<Pickled::List>()->at(1).in_words(),
            "a list of 2000");
  PickleLimits const few{.bytes = 1 << 20, .depth = 8, .values = 3000, .memory = 1 << 20};
  EXPECT_THROW(decode_pickle(bytes, "copies", false, few), Error);
}

// Whatever byte is changed or wherever the file ends, it is read or refused.
TEST(TorchCheckpoint, SurvivesEveryCutAndEveryChangedByte) {
  auto const whole = read_file(checkpoint_seed("state.pt"), 1 << 20);
  for (std::size_t i = 0; i < whole.size(); i += 3) {
    for (auto const cut : {false, true}) {
      auto bytes = whole;
      if (cut)
        bytes.resize(i);
      else
        bytes[i] ^= std::byte{0x41};
      try {
        TorchCheckpoint const checkpoint{bytes, "changed"};
        checkpoint.weights(checkpoint.state_dict());
      } catch (Error const& fault) {
        EXPECT_EQ(fault.fault(), Fault::input);
      }
    }
  }
}

TEST(TorchCheckpoint, ReadsWhatNnunetTrained) {
  auto const folder = fs::path{FOVEA_SOURCE_DIR} / "../shared/peers/nnunet-reference";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not here";
  std::pair<char const*, std::size_t> const rows[] = {
      {"Dataset004_Hippocampus", 188}, {"Dataset005_Permuted", 188}, {"Dataset006_CT", 240}};
  for (auto const& [name, tensors] : rows) {
    SCOPED_TRACE(name);
    TorchCheckpoint const checkpoint{folder / name / "model/fold_all/checkpoint_final.pth"};
    auto const weights = checkpoint.weights(checkpoint.state_dict());
    EXPECT_EQ(weights.blobs.size(), tensors);
    auto const* first = weights.find("encoder.stages.0.0.convs.0.conv.weight");
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->shape.size(), 5U);
    EXPECT_NE(checkpoint.root().find("init_args")->find("plans"), nullptr);
  }
}

}  // namespace
}  // namespace fovea
