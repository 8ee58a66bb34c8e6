#include "base/finding/structures.hpp"

#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fovea {
namespace {

constexpr std::string_view structure_anatomy = "anatomy", structure_tissue = "tissue",
                           structure_abnormal = "abnormal", structure_substance = "substance";

// SNOMED CT, most from context group 7151 (PS3.16): codes and meanings as DICOM gives them.
constexpr StructureRow structure_rows[] = {
    {"adipose tissue", "55603005", "Fat", structure_tissue},
    {"adrenal gland", "23451007", "Adrenal gland", structure_anatomy},
    {"airway", "89187006", "Airway structure", structure_anatomy},
    {"aneurysm", "85659009", "Aneurysm", structure_abnormal},
    {"aorta", "15825003", "Aorta", structure_anatomy},
    {"bladder", "89837001", "Bladder", structure_anatomy},
    {"blood vessel", "59820001", "Blood Vessel", structure_anatomy},
    {"bone", "3138006", "Bone", structure_tissue},
    {"brain", "12738006", "Brain", structure_anatomy},
    {"brain stem", "119238007", "Brain Stem", structure_anatomy},
    {"brainstem", "119238007", "Brain Stem", structure_anatomy},
    {"breast", "76752008", "Breast", structure_anatomy},
    {"bronchus", "955009", "Bronchus", structure_anatomy},
    {"cerebellum", "113305005", "Cerebellum", structure_anatomy},
    {"cerebrospinal fluid", "65216001", "Cerebrospinal Fluid", structure_substance},
    {"clavicle", "51299004", "Clavicle", structure_anatomy},
    {"colon", "71854001", "Colon", structure_anatomy},
    {"coronary artery", "41801008", "Coronary artery", structure_anatomy},
    {"csf", "65216001", "Cerebrospinal Fluid", structure_substance},
    {"cyst", "367643001", "Cyst", structure_abnormal},
    {"duodenum", "38848004", "Duodenum", structure_anatomy},
    {"edema", "79654002", "Edema", structure_abnormal},
    {"esophagus", "32849002", "Esophagus", structure_anatomy},
    {"eye", "81745001", "Eye", structure_anatomy},
    {"fat", "55603005", "Fat", structure_tissue},
    {"femur", "71341001", "Femur", structure_anatomy},
    {"fourth ventricle", "35918002", "Fourth Ventricle", structure_anatomy},
    {"gallbladder", "28231008", "Gallbladder", structure_anatomy},
    {"gray matter", "389081007", "Gray Matter", structure_tissue},
    {"grey matter", "389081007", "Gray Matter", structure_tissue},
    {"haematoma", "35566002", "Hematoma", structure_abnormal},
    {"haemorrhage", "50960005", "Hemorrhage", structure_abnormal},
    {"heart", "80891009", "Heart", structure_anatomy},
    {"hematoma", "35566002", "Hematoma", structure_abnormal},
    {"hemorrhage", "50960005", "Hemorrhage", structure_abnormal},
    {"hippocampus", "5366008", "Hippocampus", structure_anatomy},
    {"humerus", "85050009", "Humerus", structure_anatomy},
    {"ileum", "34516001", "Ileum", structure_anatomy},
    {"inferior vena cava", "64131007", "Inferior vena cava", structure_anatomy},
    {"jejunum", "21306003", "Jejunum", structure_anatomy},
    {"kidney", "64033007", "Kidney", structure_anatomy},
    {"larynx", "4596009", "Larynx", structure_anatomy},
    {"lateral ventricle", "66720007", "Lateral Ventricle", structure_anatomy},
    {"left atrium", "82471001", "Left atrium", structure_anatomy},
    {"left ventricle", "87878005", "Left ventricle", structure_anatomy},
    {"lesion", "52988006", "Lesion", structure_abnormal},
    {"liver", "10200004", "Liver", structure_anatomy},
    {"lung", "39607008", "Lung", structure_anatomy},
    {"lymph node", "59441001", "Lymph Node", structure_anatomy},
    {"mandible", "91609006", "Mandible", structure_anatomy},
    {"mass", "4147007", "Mass", structure_abnormal},
    {"mediastinum", "72410000", "Mediastinum", structure_anatomy},
    {"meniscus", "74135004", "Meniscus", structure_anatomy},
    {"muscle", "91727004", "Muscle", structure_tissue},
    {"necrosis", "6574001", "Necrosis", structure_abnormal},
    {"neoplasm", "108369006", "Neoplasm", structure_abnormal},
    {"nodule", "27925004", "Nodule", structure_abnormal},
    {"oedema", "79654002", "Edema", structure_abnormal},
    {"oesophagus", "32849002", "Esophagus", structure_anatomy},
    {"optic nerve", "18234004", "Optic nerve", structure_anatomy},
    {"ovary", "15497006", "Ovary", structure_anatomy},
    {"pancreas", "15776009", "Pancreas", structure_anatomy},
    {"parotid gland", "45289007", "Parotid gland", structure_anatomy},
    {"pelvis", "816092008", "Pelvis", structure_anatomy},
    {"pleural effusion", "60046008", "Pleural effusion", structure_abnormal},
    {"pneumothorax", "36118008", "Pneumothorax", structure_abnormal},
    {"portal vein", "32764006", "Portal vein", structure_anatomy},
    {"prostate", "41216001", "Prostate", structure_anatomy},
    {"pulmonary artery", "81040000", "Pulmonary artery", structure_anatomy},
    {"rectum", "34402009", "Rectum", structure_anatomy},
    {"retina", "5665001", "Retina", structure_anatomy},
    {"rib", "113197003", "Rib", structure_anatomy},
    {"right atrium", "73829009", "Right atrium", structure_anatomy},
    {"right ventricle", "53085002", "Right ventricle", structure_anatomy},
    {"sacrum", "54735007", "Sacrum", structure_anatomy},
    {"scapula", "79601000", "Scapula", structure_anatomy},
    {"skin", "39937001", "Skin", structure_anatomy},
    {"skull", "89546000", "Skull", structure_anatomy},
    {"small intestine", "30315005", "Small intestine", structure_anatomy},
    {"spinal cord", "2748008", "Spinal cord", structure_anatomy},
    {"spleen", "78961009", "Spleen", structure_anatomy},
    {"sternum", "56873002", "Sternum", structure_anatomy},
    {"stomach", "69695003", "Stomach", structure_anatomy},
    {"superior vena cava", "48345005", "Superior vena cava", structure_anatomy},
    {"thalamus", "42695009", "Thalamus", structure_anatomy},
    {"third ventricle", "49841001", "Third ventricle", structure_anatomy},
    {"thrombus", "396339007", "Thrombus", structure_abnormal},
    {"thymus", "9875009", "Thymus", structure_anatomy},
    {"thyroid", "69748006", "Thyroid", structure_anatomy},
    {"thyroid gland", "69748006", "Thyroid", structure_anatomy},
    {"tongue", "21974007", "Tongue", structure_anatomy},
    {"trachea", "44567001", "Trachea", structure_anatomy},
    {"tumor", "108369006", "Neoplasm", structure_abnormal},
    {"tumour", "108369006", "Neoplasm", structure_abnormal},
    {"ureter", "87953007", "Ureter", structure_anatomy},
    {"urinary bladder", "89837001", "Bladder", structure_anatomy},
    {"uterus", "35039007", "Uterus", structure_anatomy},
    {"vertebra", "51282000", "Vertebra", structure_anatomy},
    {"white matter", "389080008", "White Matter", structure_tissue}};
static_assert(std::ranges::is_sorted(structure_rows, {}, &StructureRow::name));

Code structure_category(std::string_view name) {
  struct Row {
    std::string_view name, code, meaning;
  };
  // Context group 7150.
  static constexpr Row rows[] = {
      {structure_anatomy, "91723000", "Anatomical structure"},
      {structure_tissue, "85756007", "Tissue"},
      {structure_abnormal, "49755003", "Morphologically abnormal structure"},
      {structure_substance, "91720002", "Body substance"}};
  auto const row = std::ranges::find(rows, name, &Row::name);
  return {std::string{row->code}, "SCT", std::string{row->meaning}};
}

Code structure_type(StructureRow const& row) {
  return {std::string{row.code}, "SCT", std::string{row.meaning}};
}

Code structure_local(std::string const& name) {
  constexpr std::size_t short_code = 16;
  auto const plain = std::ranges::all_of(
      name, [](char letter) { return letter > ' ' && letter < 0x7f && letter != '\\'; });
  auto const value = plain && name.size() <= short_code ? name : sha256(name).substr(0, 12);
  return {value, "99FOVEA", name};
}

StructureRow const* structure_find(std::string_view name) {
  auto const row = std::ranges::lower_bound(structure_rows, name, {}, &StructureRow::name);
  if (row != std::end(structure_rows) && row->name == name) return row;
  // "kidneys" and "lungs"; no name in the table ends so.
  if (name.ends_with('s') && name.size() > 1)
    return structure_find(name.substr(0, name.size() - 1));
  return nullptr;
}

// Takes a side from either end, if one is there.
Code structure_side(std::vector<std::string>& words) {
  struct Row {
    std::string_view word, code, meaning;
  };
  static constexpr Row rows[] = {{"left", "7771000", "Left"},
                                 {"l", "7771000", "Left"},
                                 {"right", "24028007", "Right"},
                                 {"r", "24028007", "Right"}};
  for (auto const at_end : {false, true}) {
    if (words.size() < 2) break;
    auto const at = at_end ? words.end() - 1 : words.begin();
    auto const row = std::ranges::find(rows, std::string_view{*at}, &Row::word);
    if (row == std::end(rows)) continue;
    words.erase(at);
    return {std::string{row->code}, "SCT", std::string{row->meaning}};
  }
  return {};
}

std::vector<std::string> structure_words(std::string_view name) {
  std::string plain = lower(name);
  std::ranges::replace_if(
      plain, [](char letter) { return letter == '_' || letter == '-' || letter == '\t'; }, ' ');
  auto words = split(plain, ' ');
  std::erase_if(words, [](std::string const& word) { return word.empty(); });
  return words;
}

bool structure_fill(Segment& segment, std::vector<std::string> const& words) {
  auto const set = [&](StructureRow const& row) {
    segment.category = structure_category(row.category);
    segment.type = structure_type(row);
    return true;
  };
  if (auto const* const row = structure_find(joined(words, " "))) return set(*row);
  // "liver tumour": something abnormal, and where it lies.
  if (words.size() < 2) return false;
  auto const* const what = structure_find(words.back());
  auto const* const where =
      structure_find(joined(std::span{words}.first(words.size() - 1), " "));
  if (what == nullptr || where == nullptr || what->category != structure_abnormal ||
      where->category != structure_anatomy)
    return false;
  segment.site = structure_type(*where);
  return set(*what);
}

}  // namespace

std::span<StructureRow const> structures() {
  return structure_rows;
}

Segment segment_named(std::string_view name) {
  auto const whole_name = std::string{trimmed(name)};
  constexpr std::size_t most = 64;  // characters of DICOM's label
  if (whole_name.empty() || whole_name.size() > most)
    throw Error{Fault::input,
                text("expected a structure's name of 1 to ", most, " characters, got '",
                     whole_name, "'"),
                "shorten it"};
  Segment out{.name = whole_name};
  auto words = structure_words(whole_name);
  // First as it stands: "left ventricle" is a structure of its own.
  if (structure_fill(out, words)) return out;
  out.side = structure_side(words);
  if (!out.side.empty() && structure_fill(out, words)) return out;
  out.side = {};
  out.category = {"unclassified", "99FOVEA", "Not classified"};
  out.type = structure_local(whole_name);
  return out;
}

bool is_local(Code const& code) {
  return code.scheme == "99FOVEA";
}

}  // namespace fovea
