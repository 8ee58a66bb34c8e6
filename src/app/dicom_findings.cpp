#include "app/dicom_findings.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/finding/structures.hpp"

#include <algorithm>

namespace fovea {
namespace {

[[noreturn]] void findings_wrong(std::string const& where, std::string const& expected) {
  throw Error{Fault::input, text("expected ", expected, " for ", where),
              "see `fovea dicom sr --help` for an example"};
}

void findings_know(Json const& json, std::string const& where, std::vector<std::string> known) {
  if (!json.is_object()) findings_wrong(where, "an object");
  for (auto const& [key, value] : json.items()) {
    if (std::ranges::find(known, key) == known.end())
      throw Error{Fault::input, text(where, " has an unknown key '", key, "'"),
                  did_you_mean(key, known)};
  }
}

std::string findings_words(Json const& json, std::string const& where) {
  if (!json.is_string()) findings_wrong(where, "text");
  return json.get<std::string>();
}

double findings_number(Json const& json, std::string const& where) {
  if (!json.is_number()) findings_wrong(where, "a number");
  return json.get<double>();
}

Code findings_code(Json const& json, std::string const& where) {
  if (!json.is_array() || json.size() != 3) findings_wrong(where, "[value, scheme, meaning]");
  return {findings_words(json[0], where), findings_words(json[1], where),
          findings_words(json[2], where)};
}

Code findings_unit(Json const& json, std::string const& where) {
  if (!json.is_string()) return findings_code(json, where);
  constexpr std::pair<std::string_view, std::string_view> rows[] = {
      {"mm", "millimeter"},
      {"mm2", "square millimeter"},
      {"mm3", "cubic millimeter"},
      {"cm", "centimeter"},
      {"cm3", "cubic centimeter"},
      {"ml", "milliliter"},
      {"[hnsf'U]", "Hounsfield unit"},
      {"%", "percent"},
      {"1", "no units"}};
  auto const code = json.get<std::string>();
  for (auto const& [unit, meaning] : rows) {
    if (unit == code) return {code, "UCUM", std::string{meaning}};
  }
  return {code, "UCUM", code};
}

Measurement findings_measurement(Json const& json, std::string const& where) {
  findings_know(json, where, {"quantity", "value", "unit", "method", "derivation"});
  auto const get = [&](char const* key) { return json.value(key, Json{}); };
  Measurement out{.quantity = findings_code(get("quantity"), where + "'s quantity"),
                  .value = findings_number(get("value"), where + "'s value"),
                  .unit = findings_unit(get("unit"), where + "'s unit")};
  if (json.contains("method")) out.method = findings_code(json["method"], where + "'s method");
  if (json.contains("derivation"))
    out.derivation = findings_code(json["derivation"], where + "'s derivation");
  return out;
}

Point findings_point(Json const& json, std::string const& where) {
  if (!json.is_array() || json.size() != 3) findings_wrong(where, "a point [x, y, z]");
  return {{findings_number(json[0], where), findings_number(json[1], where),
           findings_number(json[2], where)}};
}

template <class Use>
void findings_each(Json const& json, char const* key, std::string const& where, Use&& use) {
  if (!json.contains(key)) return;
  auto const& list = json[key];
  if (!list.is_array()) findings_wrong(text(where, "'s ", key), "a list");
  for (std::size_t n = 0; n < list.size(); ++n)
    use(list[n], text(where, "'s ", key, " ", n + 1));
}

Finding findings_one(Json const& json, std::string const& where) {
  findings_know(json, where,
                {"type", "category", "site", "side", "tracking", "tracking_uid", "segment",
                 "region", "measurements", "evaluations"});
  Finding out;
  auto const type = json.value("type", Json{});
  if (type.is_string())
    out = finding_of(segment_named(type.get<std::string>()));
  else
    out.type = findings_code(type, where + "'s type");
  for (auto const& [key, code] :
       {std::pair{"category", &out.category}, {"site", &out.site}, {"side", &out.side}}) {
    if (json.contains(key)) *code = findings_code(json[key], text(where, "'s ", key));
  }
  if (json.contains("tracking"))
    out.tracking = findings_words(json["tracking"], where + "'s tracking");
  if (json.contains("tracking_uid"))
    out.tracking_uid = findings_words(json["tracking_uid"], where + "'s tracking_uid");
  if (json.contains("segment")) {
    if (!json["segment"].is_number_unsigned())
      findings_wrong(where + "'s segment", "its number");
    out.segment = json["segment"].get<std::int64_t>();
  }
  findings_each(json, "region", where, [&](Json const& one, std::string const& at) {
    out.region.push_back(findings_point(one, at));
  });
  findings_each(json, "measurements", where, [&](Json const& one, std::string const& at) {
    out.measurements.push_back(findings_measurement(one, at));
  });
  findings_each(json, "evaluations", where, [&](Json const& one, std::string const& at) {
    findings_know(one, at, {"what", "answer"});
    out.evaluations.push_back({findings_code(one.value("what", Json{}), at + "'s what"),
                               findings_code(one.value("answer", Json{}), at + "'s answer")});
  });
  return out;
}

}  // namespace

std::vector<Finding> findings_of_json(Json const& file, Provenance const& made_by) {
  findings_know(file, "the file", {"findings"});
  std::vector<Finding> out;
  findings_each(file, "findings", "the file", [&](Json const& one, std::string const& where) {
    out.push_back(findings_one(one, where));
    out.back().provenance = made_by;
    check(out.back());
  });
  return out;
}

}  // namespace fovea
