#include "base/io/dicom_suv.hpp"

#include "base/core/words.hpp"
#include "base/dicom/made/phantom.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

namespace fovea {
namespace {

/// What a PET header says, attribute by attribute: change what you like. Empty: left out.
struct SuvMade {
  std::map<std::uint32_t, std::string> image{
      {0x00080021, "20240301"},  {0x00080022, "20240301"}, {0x00080031, "100000"},
      {0x00080032, "100000.00"}, {0x00100040, "M"},        {0x00101020, "1.8"},
      {0x00101030, "70"},        {0x00181242, "180000"},   {0x00280051, "DECY\\ATTN\\SCAT"},
      {0x00541001, "BQML"},      {0x00541102, "START"},    {0x00541300, "0"}};
  std::map<std::uint32_t, std::string> tracer{
      {0x00181074, "370000000"}, {0x00181075, "6586.2"}, {0x00181078, "20240301090000"}};
  std::string nuclide = "C-111A1";
  int tracers = 1;

  std::string bytes() const {
    std::string inside;
    for (auto const& [tag, value] : tracer) {
      if (!value.empty()) inside += made_value(Tag{tag}, "DS", value);
    }
    if (!nuclide.empty())
      inside += made_sequence(Tag{0x00540300}, {made_value(Tag{0x00080100}, "SH", nuclide)});
    std::map<std::uint32_t, std::string> parts;
    for (auto const& [tag, value] : image) {
      if (!value.empty()) parts[tag] = made_value(Tag{tag}, "DS", value);
    }
    if (tracers > 0)
      parts[0x00540016] =
          made_sequence(Tag{0x00540016}, std::vector<std::string>(tracers, inside));
    std::string out;
    for (auto const& [tag, part] : parts) out += part;
    return made_file(made_explicit, out);
  }
  SuvFacts facts() const {
    auto const file = bytes();
    DicomFile const read{made_bytes(file), "made"};
    return suv_facts(read.scan().root());
  }
};

double suv_factor(SuvMade const& made, SuvKind kind = SuvKind::body_weight) {
  SuvFacts const facts[] = {made.facts()};
  return suv_factors(facts, kind).at(0);
}

// What it should be: waited seconds between the injection and the time of correction.
double suv_expected(double waited, double half_life = 6586.2) {
  return 70000 / (370e6 * std::exp2(-waited / half_life));
}

TEST(Suv, DecaysTheDoseUntilTheScanStarted) {
  struct Row {
    char const* what;
    std::function<void(SuvMade&)> change;
    double waited;
  };
  Row const rows[] = {
      {"the usual", [](SuvMade&) {}, 3600},
      {"to the minute", [](SuvMade& m) { m.tracer[0x00181078] = "202403010900"; }, 3600},
      {"corrected to the injection", [](SuvMade& m) { m.image[0x00541102] = "ADMIN"; }, 0},
      {"its time alone",
       [](SuvMade& m) {
         m.tracer.erase(0x00181078);
         m.tracer[0x00181072] = "090000.00";
       },
       3600},
      {"both, alike", [](SuvMade& m) { m.tracer[0x00181072] = "090000"; }, 3600},
      {"its time alone, over midnight",
       [](SuvMade& m) {
         m.tracer.erase(0x00181078);
         m.tracer[0x00181072] = "233000";
         m.image[0x00080031] = m.image[0x00080032] = "003000";
       },
       3600},
      {"with its day, over midnight",
       [](SuvMade& m) {
         m.tracer[0x00181078] = "20240229233000";
         m.image[0x00080031] = m.image[0x00080032] = "003000";
       },
       3600},
      {"a later bed: the series' time counts",
       [](SuvMade& m) { m.image[0x00080032] = "102000"; }, 3600},
      {"in another zone",
       [](SuvMade& m) {
         m.tracer[0x00181078] = "20240301080000+0000";
         m.image[0x00080201] = "+0100";
       },
       3600},
      {"a zone that both share",
       [](SuvMade& m) {
         m.tracer[0x00181078] = "20240301090000+0100";
         m.image[0x00080201] = "+0100";
       },
       3600},
      {"a scan that began just before",
       [](SuvMade& m) { m.tracer[0x00181078] = "20240301100030"; }, -30},
      {"a series made in the evening: what GE keeps",
       [](SuvMade& m) {
         m.image[0x00080031] = "190000";
         m.image[0x00090010] = "GEMS_PETD_01";
         m.image[0x0009100d] = "20240301100000.00";
       },
       3600},
      {"the same in another block",
       [](SuvMade& m) {
         m.image[0x00080031] = "190000";
         m.image[0x00090010] = "GEMS_IDEN_01";
         m.image[0x00090011] = "GEMS_PETD_01";
         m.image[0x0009110d] = "20240301095500.00";
       },
       3300},
      {"a series made on another day, an acquisition date-time",
       [](SuvMade& m) {
         m.image[0x00080021] = "20240229";
         m.image[0x00080031] = "235900";
         m.image[0x00080022] = m.image[0x00080032] = "";
         m.image[0x0008002a] = "20240301000000";
         m.tracer[0x00181078] = "20240229225900";
       },
       3600}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    SuvMade made;
    row.change(made);
    EXPECT_NEAR(suv_factor(made) / suv_expected(row.waited), 1, 1e-12);
  }
}

TEST(Suv, ComputesTheStartOfTheScanFromAFrameWhereTheSeriesIsYounger) {
  SuvMade made;
  made.image[0x00080031] = "190000";
  made.image[0x00080032] = "100500";  // 300 s behind the start, for 180 s
  auto const decay = std::log(2.0) / 6586.2;
  auto const average = std::log(decay * 180 / (1 - std::exp(-decay * 180))) / decay;
  made.image[0x00541300] = spelled(1000 * (300 + average));
  EXPECT_NEAR(average, 90, 1);
  EXPECT_NEAR(suv_factor(made) / suv_expected(3600), 1, 1e-9);
  // A second bed says the same, a third one something else.
  auto other = made;
  other.image[0x00080032] = "101000";
  other.image[0x00541300] = spelled(1000 * (600 + average));
  SuvFacts const both[] = {made.facts(), other.facts()};
  EXPECT_NEAR(suv_factors(both, SuvKind::body_weight).at(1) / suv_expected(3600), 1, 1e-9);
  other.image[0x00541300] = spelled(1000 * (650 + average));
  SuvFacts const unlike[] = {made.facts(), other.facts()};
  EXPECT_THROW(suv_factors(unlike, SuvKind::body_weight), Refusal);
}

TEST(Suv, RefusesWhatItCannotBeSureOfAndNamesTheAttribute) {
  struct Row {
    char const* what;
    std::function<void(SuvMade&)> change;
    char const* names;
  };
  auto const image = [](std::uint32_t tag, char const* value) {
    return [=](SuvMade& m) { m.image[tag] = value; };
  };
  auto const tracer = [](std::uint32_t tag, char const* value) {
    return [=](SuvMade& m) { m.tracer[tag] = value; };
  };
  Row const rows[] = {
      {"no weight", image(0x00101030, ""), "(0010,1030)"},
      {"weight 0", image(0x00101030, "0"), "(0010,1030)"},
      {"weight in g", image(0x00101030, "70000"), "(0010,1030)"},
      {"weight is no number", image(0x00101030, "70kg"), "(0010,1030)"},
      {"no dose", tracer(0x00181074, ""), "(0018,1074)"},
      {"dose in MBq", tracer(0x00181074, "370"), "(0018,1074)"},
      {"dose beyond all", tracer(0x00181074, "370e9"), "(0018,1074)"},
      {"no half-life", tracer(0x00181075, ""), "(0018,1075)"},
      {"half-life 0", tracer(0x00181075, "0"), "(0018,1075)"},
      {"half-life in minutes", tracer(0x00181075, "109.77"), "(0018,1075)"},
      {"half-life of carbon", tracer(0x00181075, "1223"), "(0018,1075)"},
      {"no injection", tracer(0x00181078, ""), "(0018,1078)"},
      {"injected behind the scan", tracer(0x00181078, "20240301103000"), "(0018,1078)"},
      {"injected on another day", tracer(0x00181078, "20240229090000"), "(0018,1078)"},
      {"injected in another year", tracer(0x00181078, "19000101090000"), "(0018,1078)"},
      {"two times of one injection", tracer(0x00181072, "093000"), "(0018,1072)"},
      {"a zone the scan does not have", tracer(0x00181078, "20240301090000+0000"),
       "(0008,0201)"},
      {"a time alone, behind the scan",
       [](SuvMade& m) {
         m.tracer = {{0x00181074, "370000000"}, {0x00181075, "6586.2"}, {0x00181072, "103000"}};
       },
       "(0018,1072)"},
      {"a time alone, of a nuclide that lives for days",
       [](SuvMade& m) {
         m.nuclide = "C-168A4";
         m.tracer = {{0x00181074, "70000000"}, {0x00181075, "282280"}, {0x00181072, "090000"}};
       },
       "(0018,1072)"},
      {"no series time", image(0x00080031, ""), "(0008,0031)"},
      {"no series date", image(0x00080021, ""), "(0008,0021)"},
      {"no acquisition time", image(0x00080032, ""), "(0008,0032)"},
      {"a younger series, and nothing else", image(0x00080031, "190000"), "(0054,1300)"},
      {"not corrected for decay", image(0x00280051, "ATTN"), "(0028,0051)"},
      {"not corrected for attenuation", image(0x00280051, "DECY"), "(0028,0051)"},
      {"not decay corrected", image(0x00541102, "NONE"), "(0054,1102)"},
      {"other units", image(0x00541001, "PROPCPS"), "(0054,1001)"},
      {"no units", image(0x00541001, ""), "(0054,1001)"},
      {"counts that nobody scales", image(0x00541001, "CNTS"), "(7053,1000)"},
      {"another SUV",
       [](SuvMade& m) {
         m.image[0x00541001] = "GML";
         m.image[0x00541006] = "LBMJANMA";
       },
       "(0054,1006)"},
      {"no tracer", [](SuvMade& m) { m.tracers = 0; }, "(0054,0016)"},
      {"two tracers", [](SuvMade& m) { m.tracers = 2; }, "(0054,0016)"}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.what);
    SuvMade made;
    row.change(made);
    try {
      suv_factor(made);
      ADD_FAILURE() << "was computed";
    } catch (Refusal const& fault) {
      EXPECT_EQ(fault.code(), "suv-unsure");
      EXPECT_NE(std::string_view{fault.what()}.find(row.names), std::string_view::npos)
          << fault.what();
    }
  }
}

TEST(Suv, RefusesImagesThatDisagree) {
  SuvMade heavier;
  heavier.image[0x00101030] = "71";
  SuvFacts const facts[] = {SuvMade{}.facts(), heavier.facts()};
  EXPECT_THROW(suv_factors(facts, SuvKind::body_weight), Refusal);
}

TEST(Suv, ReadsPhilipsFactors) {
  SuvMade made;
  made.image[0x00541001] = "CNTS";
  made.image[0x70530010] = "Philips PET Private Group";
  made.image[0x70531000] = "0.000123";
  EXPECT_DOUBLE_EQ(suv_factor(made), 0.000123);
  made.image[0x70531000] = "0";  // not known; that of the activity is
  made.image[0x70531009] = "1.5";
  EXPECT_NEAR(suv_factor(made) / (1.5 * suv_expected(3600)), 1, 1e-12);
  // Numbers of somebody else's block are none of these.
  made.image[0x70530010] = "Somebody";
  EXPECT_THROW(suv_factor(made), Refusal);
}

TEST(Suv, LeavesWhatIsUptakeAlready) {
  SuvMade made;
  made.image[0x00541001] = "GML";
  made.tracers = 0;
  EXPECT_EQ(suv_factor(made), 1);
  made.image[0x00541006] = "BW";
  EXPECT_EQ(suv_factor(made), 1);
  made.image[0x00541006] = "LBMJANMA";
  EXPECT_EQ(suv_factor(made, SuvKind::lean_mass), 1);
  made.image[0x00541001] = "CM2ML";
  made.image[0x00541006] = "BSA";
  EXPECT_EQ(suv_factor(made, SuvKind::body_surface), 1);
  EXPECT_THROW(suv_factor(made, SuvKind::body_weight), Refusal);
}

TEST(Suv, KnowsLeanMassAndSurface) {
  SuvMade made;
  auto const by_weight = suv_factor(made);
  // 1.8 m, 70 kg: 57.2 kg lean (a man), 46.2 kg (a woman), 1.886 m2, by hand.
  EXPECT_NEAR(suv_factor(made, SuvKind::lean_mass) / by_weight, 9270 / (6680 + 216 * 70 / 3.24),
              1e-12);
  EXPECT_NEAR(suv_factor(made, SuvKind::lean_mass) / by_weight * 70, 57.17, 0.02);
  EXPECT_NEAR(suv_factor(made, SuvKind::body_surface) / by_weight * 7, 1.886, 0.002);
  made.image[0x00100040] = "F";
  EXPECT_NEAR(suv_factor(made, SuvKind::lean_mass) / by_weight * 70, 46.18, 0.02);
  made.image[0x00100040] = "O";
  EXPECT_THROW(suv_factor(made, SuvKind::lean_mass), Refusal);
  made.image[0x00100040] = "M";
  made.image[0x00101020] = "180";  // cm
  EXPECT_THROW(suv_factor(made, SuvKind::body_surface), Refusal);
  EXPECT_NEAR(suv_factor(made), by_weight, 0);
}

}  // namespace
}  // namespace fovea
