#include "base/io/dicom_merge.hpp"

#include "base/core/words.hpp"
#include "base/dicom/made/phantom.hpp"
#include "base/geometry/orient.hpp"
#include "base/io/dicom_turns.hpp"
#include "base/io/gradients.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

namespace fovea {
namespace {

// Images of 3 places at several times, each marked by its first voxel: 100 t + k.
class MergeFolder {
 public:
  void add(MadeSlice slice, int k, int t) {
    slice.sop = text("1.2.3.", files_.size() + 1);
    slice.slope = "1";
    slice.intercept = "0";
    slice.pixels.assign(24, static_cast<std::uint16_t>(100 * t + k));
    slice.at(0, 0, 2.0 * k);
    files_.push_back(folder_.path() / text("IM", files_.size() * 7 % 100));
    write_file(files_.back(), std::string_view{slice.bytes()});
  }
  void add_all(int times, std::function<void(MadeSlice&, int k, int t)> const& change) {
    for (int k = 0; k < 3; ++k) {
      for (int t = 0; t < times; ++t) {
        MadeSlice slice;
        change(slice, k, t);
        add(slice, k, t);
      }
    }
  }
  std::vector<DicomSeries> found(MergeBy by = MergeBy::time) const {
    return merged(find_series(files_, 1).series, by);
  }

 private:
  ScratchFolder folder_;
  std::vector<fs::path> files_;
};

// First voxels, slice by slice and then volume by volume.
std::vector<int> merge_marks(DicomSeries const& series) {
  auto const volume = load_series(series, 2);
  std::vector<int> out;
  with_type(volume.type(), [&](auto zero) {
    auto const values = volume.as<decltype(zero)>();
    for (std::size_t i = 0; i < values.size(); i += 24)
      out.push_back(static_cast<int>(values[i]));
  });
  return out;
}

void merge_put(MadeSlice& slice, Tag tag, std::string const& value) {
  slice.more.emplace_back(tag, value);
}

TEST(Merge, JoinsVolumesThatOnlyTimeTellsApart) {
  struct Row {
    char const* what;
    std::function<void(MadeSlice&, int, int)> change;
  };
  Row const rows[] = {
      {"time points",
       [](MadeSlice& s, int, int t) { merge_put(s, Tag::time_point, text(t + 1)); }},
      {"more than nine of them",
       [](MadeSlice& s, int, int t) { merge_put(s, Tag::time_point, text(t + 8)); }},
      {"acquisitions, each slice at a time of its own",
       [](MadeSlice& s, int k, int t) {
         merge_put(s, Tag::acquisition_number, text(t + 1));
         merge_put(s, Tag::acquisition_time, text("10000", t, ".", k));
       }},
      {"times of each slice",
       [](MadeSlice& s, int k, int t) {
         merge_put(s, Tag::acquisition_time, text("1000", 10 + 2 * t, ".", k + 1));
       }},
      {"times over midnight",
       [](MadeSlice& s, int k, int t) {
         merge_put(s, Tag{0x00080022}, t < 2 ? "20240229" : "20240301");
         merge_put(s, Tag::acquisition_time,
                   text(t < 2 ? "2359" : "0000", 10 + 10 * (t % 2), ".", k));
       }},
      {"phases of a heart that beats faster in each slice",
       [](MadeSlice& s, int k, int t) {
         merge_put(s, Tag::trigger_time, spelled(t * (40.0 - 3 * k)));
       }},
      {"b-values", [](MadeSlice& s, int, int t) {
         auto const b = 500.0 * t;
         std::string bytes(sizeof b, '\0');
         std::memcpy(bytes.data(), &b, sizeof b);
         s.parts.emplace_back(Tag::b_value, made_value(Tag::b_value, "FD", bytes));
       }}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    MergeFolder folder;
    folder.add_all(4, row.change);
    auto const found = folder.found();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(name_of(found[0].verdict), "ok");
    EXPECT_EQ(found[0].reasons.at(0).code, "merged");
    EXPECT_EQ(found[0].fourth, 4);
    EXPECT_EQ(merge_marks(found[0]),
              (std::vector{0, 1, 2, 100, 101, 102, 200, 201, 202, 300, 301, 302}));
    EXPECT_EQ(folder.found(MergeBy::nothing).size(), 4U);
  }
}

TEST(Merge, LeavesApartWhatIsNotTheSameThing) {
  struct Row {
    char const* what;
    std::size_t volumes;
    std::function<void(MadeSlice&, int, int)> change;
  };
  Row const rows[] = {
      {"echoes", 4,
       [](MadeSlice& s, int, int t) { merge_put(s, Tag::echo_time, text(10 + t)); }},
      {"kernels", 4, [](MadeSlice& s, int, int t) { merge_put(s, Tag::kernel, text("B", t)); }},
      {"magnitude and phase", 2,
       [](MadeSlice& s, int, int t) {
         merge_put(s, Tag::image_type,
                   t % 2 == 0 ? "ORIGINAL\\PRIMARY\\M" : "ORIGINAL\\PRIMARY\\P");
         merge_put(s, Tag::acquisition_number, text(t / 2));
       }},
      {"flip angles", 4, [](MadeSlice& s, int, int t) {
         merge_put(s, Tag{0x00181314}, text(5 * t + 5));
         merge_put(s, Tag::acquisition_number, text(t));
       }}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    MergeFolder folder;
    folder.add_all(4, row.change);
    EXPECT_EQ(folder.found().size(), row.volumes);
  }
  MergeFolder echoes;
  echoes.add_all(
      3, [](MadeSlice& s, int, int t) { merge_put(s, Tag::echo_time, text(30 - 10 * t)); });
  auto const all = echoes.found(MergeBy::all);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(merge_marks(all[0]), (std::vector{200, 201, 202, 100, 101, 102, 0, 1, 2}));
}

TEST(Merge, LeavesVolumesOfOtherGridsApart) {
  MergeFolder folder;
  folder.add_all(2, [](MadeSlice& s, int, int t) {
    merge_put(s, Tag::time_point, text(t));
    if (t == 1) s.spacing = "0.5\\0.7503";  // 0.002 mm at the far end
  });
  EXPECT_EQ(folder.found().size(), 2U);
}

TEST(Merge, GivesEachSliceItsOwnScaleAndOneTypeThatHoldsAll) {
  MergeFolder folder;
  for (int t = 0; t < 2; ++t) {
    for (int k = 0; k < 3; ++k) {
      MadeSlice slice;
      merge_put(slice, Tag::time_point, text(t));
      slice.negative = t == 1;
      folder.add(slice, k, t);
    }
  }
  auto const found = folder.found();
  ASSERT_EQ(found.size(), 1U);
  auto const volume = load_series(found[0]);
  EXPECT_EQ(volume.type(), Type::i16);
  EXPECT_EQ(volume.channels(), 2);
  EXPECT_EQ(merge_marks(found[0]), (std::vector{0, 1, 2, 100, 101, 102}));
}

TEST(Turns, RefuseImagesThatNothingTellsApart) {
  struct Row {
    char const* what;
    std::function<void(MadeSlice&, int, int)> change;
  };
  Row const rows[] = {{"nothing", [](MadeSlice&, int, int) {}},
                      {"one time for two images of a place",
                       [](MadeSlice& s, int k, int t) {
                         merge_put(s, Tag::acquisition_time,
                                   k == 1 ? "100000" : text("10000", t));
                       }},
                      {"one image more in one place", [](MadeSlice& s, int k, int t) {
                         merge_put(s, Tag::acquisition_number, text(k == 1 ? 0 : t));
                       }}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    MergeFolder folder;
    folder.add_all(2, row.change);
    auto const found = folder.found();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].reasons.at(0).code, "duplicate-position");
  }
}

TEST(Turns, PartDirectionsOfOneBValue) {
  MergeFolder folder;
  std::array<double, 3> const directions[] = {{1, 0, 0}, {0, 1, 0}, {0, 0.6, 0.8}};
  folder.add_all(3, [&](MadeSlice& s, int, int t) {
    auto const b = 1000.0;
    std::string bytes(sizeof b, '\0');
    std::memcpy(bytes.data(), &b, sizeof b);
    s.parts.emplace_back(Tag::b_value, made_value(Tag::b_value, "FD", bytes));
    std::string vector(24, '\0');
    std::memcpy(vector.data(), directions[t].data(), 24);
    s.parts.emplace_back(Tag{0x00189089}, made_value(Tag{0x00189089}, "FD", vector));
  });
  auto const apart = folder.found(MergeBy::nothing);
  EXPECT_EQ(apart.size(), 3U);
  for (auto const& one : apart) EXPECT_EQ(one.reasons.at(0).code, "split");
  auto const found = folder.found();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].moments.size(), 3U);
}

DicomMoment merge_moment(double b,
                         std::optional<std::array<double, 3>> gradient = std::nullopt) {
  DicomMoment out;
  out.b_value = b;
  out.gradient = gradient;
  return out;
}

TEST(Gradients, AreTurnedOnRightHandedAxesOnly) {
  DicomMoment const moments[] = {merge_moment(0), merge_moment(1000, {{0.6, 0, 0.8}})};
  auto grid = upright({4, 4, 4}, {{2, 3, 4}});
  auto const right = gradient_table(moments, grid);
  ASSERT_TRUE(right);
  EXPECT_EQ(right->b_values, "0 1000\n");
  EXPECT_EQ(right->directions, "0 -0.6\n0 0\n0 0.8\n");
  for (auto& part : grid.axes[1].mm) part = -part;
  EXPECT_EQ(gradient_table(moments, grid)->directions, "0 0.6\n0 0\n0 0.8\n");
}

TEST(Gradients, TurnWithWhatATransformMoves) {
  auto const c = std::cos(0.3), s = std::sin(0.3);
  // The value at a place is what was at map(place): the image turns by -0.3 about z.
  Affine const turn{.matrix = {{{c, -s, 0}, {s, c, 0}, {0, 0, 1}}}, .offset = {5, 6, 7}};
  auto wide = turn;
  for (auto& row : wide.matrix) row[0] *= 1.0 + 1e-9;
  auto larger = turn;
  for (auto& row : larger.matrix) {
    for (auto& value : row) value *= 3;
  }
  DicomMoment const moments[] = {merge_moment(0), merge_moment(1000, {{1, 0, 0}}),
                                 merge_moment(1000, {{0, 0, 1}})};
  for (auto const& map : {turn, wide, larger}) {
    auto const out = moved(moments, map);
    EXPECT_FALSE(out[0].gradient);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      EXPECT_NEAR((*out[1].gradient)[axis], (std::array{c, -s, 0.0})[axis], 1e-8);
      EXPECT_NEAR((*out[2].gradient)[axis], (std::array{0.0, 0.0, 1.0})[axis], 1e-8);
    }
  }
  EXPECT_EQ(moved(moments, {})[1].gradient, moments[1].gradient) << "nothing moves";
}

TEST(Gradients, AreNotWrittenWhereTheyAreUnsure) {
  auto const grid = upright({4, 4, 4}, {});
  auto isotropic = merge_moment(1000);
  isotropic.isotropic = true;
  for (auto const& bad : {merge_moment(1000), isotropic, merge_moment(1000, {{0.5, 0, 0}})}) {
    DicomMoment const moments[] = {merge_moment(0), bad};
    auto const table = gradient_table(moments, grid);
    ASSERT_TRUE(table);
    EXPECT_EQ(table->directions, "");
    EXPECT_NE(table->unsure.find("volume 2"), std::string::npos);
  }
  DicomMoment const good[] = {merge_moment(0), merge_moment(1000, {{0, 0, 1}})};
  auto sheared = grid;
  sheared.axes[2].mm = {0.3, 0, 1};
  EXPECT_EQ(gradient_table(good, sheared)->directions, "");
  DicomMoment const none[] = {merge_moment(0), merge_moment(0)};
  EXPECT_FALSE(gradient_table(none, grid));
  DicomMoment const some[] = {merge_moment(1000, {{0, 0, 1}}), DicomMoment{}};
  EXPECT_FALSE(gradient_table(some, grid));
}

TEST(Moment, ReadsDiffusionAsEachMakerHasIt) {
  auto const read = [](std::string const& parts) {
    auto const bytes = made_file(made_explicit, parts);
    DicomFile const file{made_bytes(bytes), "made"};
    return moment_of(file.scan().root());
  };
  auto const doubles = [](std::vector<double> const& values) {
    std::string out(values.size() * sizeof(double), '\0');
    std::memcpy(out.data(), values.data(), out.size());
    return out;
  };
  auto const b = made_value(Tag::b_value, "FD", doubles({700}));
  auto const g = made_value(Tag{0x00189089}, "FD", doubles({0, 1, 0}));
  using Direction = std::optional<std::array<double, 3>>;
  EXPECT_EQ(read(b + g).gradient, (Direction{{0, 1, 0}}));
  auto const nested =
      read(made_sequence(Tag{0x00189117}, {made_sequence(Tag{0x00189076}, {g}) + b}));
  EXPECT_EQ(nested.b_value, 700);
  // As a sequence's item the attributes stand in another order; the reader does not mind.
  EXPECT_EQ(nested.gradient, (Direction{{0, 1, 0}}));
  // UN, as of a file that was written implicit once.
  auto const siemens = read(made_value(Tag{0x00190011}, "LO", "SIEMENS MR HEADER") +
                            made_value(Tag{0x0019110c}, "UN", "1000") +
                            made_value(Tag{0x0019110e}, "UN", doubles({0, 0, 1})));
  EXPECT_EQ(siemens.b_value, 1000);
  EXPECT_EQ(siemens.gradient, (Direction{{0, 0, 1}}));
  auto const ge = read(made_value(Tag{0x00430010}, "LO", "GEMS_PARM_01") +
                       made_value(Tag{0x00431039}, "IS", "1000000800\\8\\0\\0"));
  EXPECT_EQ(ge.b_value, 800);
  EXPECT_FALSE(ge.gradient);
  EXPECT_FALSE(read(made_value(Tag{0x00431039}, "IS", "800\\8\\0\\0")).b_value) << "no creator";
  EXPECT_FALSE(read(made_value(Tag::b_value, "FD", doubles({0})) + g).gradient) << "b is 0";
}

TEST(Moment, KnowsTheStepOnlyWhereStepsAreEqual) {
  auto const at = [](std::vector<double> const& times) {
    std::vector<DicomMoment> out(times.size());
    for (std::size_t i = 0; i < times.size(); ++i) out[i].acquired = times[i];
    return step_of(out);
  };
  EXPECT_EQ(at({10, 12, 14}), 2);
  EXPECT_FALSE(at({10, 12, 15}));
  EXPECT_FALSE(at({10, 10, 10}));
  EXPECT_FALSE(at({10}));
  std::vector<DicomMoment> triggered(2);
  triggered[0].trigger = 0;
  triggered[1].trigger = 1500;
  EXPECT_EQ(step_of(triggered), 1.5);
}

}  // namespace
}  // namespace fovea
