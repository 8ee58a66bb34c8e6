#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/weights/about.hpp"

namespace fovea {
namespace {

std::string card_number(std::optional<double> value) {
  return value ? fixed(*value, 3) : "not defined";
}

std::string card_interval(ModelAbout::Value const& value) {
  if (!value.low || !value.high) return "";
  return text(fixed(*value.low, 3), " to ", fixed(*value.high, 3));
}

void card_measured(std::string& card, ModelAbout::Values const& values) {
  card += "| measure | value | 95 % interval |\n|---|---|---|\n";
  for (auto const& [name, value] : values)
    card += text("| ", markdown(name), " | ", card_number(value.value), " | ",
                 card_interval(value), " |\n");
  card += "\n";
}

void card_labels(std::string& card, ModelAbout const& about) {
  card += "## What it says\n\n| label | codes |\n|---|---|\n";
  for (auto const& label : about.labels) {
    std::vector<std::string> codes;
    for (auto const& code : label.codes)
      codes.push_back(markdown(text(code.scheme, " ", code.value, " ", code.meaning)));
    card += text("| ", markdown(label.name), " | ", joined(codes, ", "), " |\n");
  }
  card += "\n";
}

std::string card_sizes(std::vector<std::int64_t> const& sizes) {
  std::string out;
  for (auto const size : sizes) out += text(out.empty() ? "" : " x ", size);
  return out;
}

void card_input(std::string& card, ModelAbout::Input const& in) {
  card += "## What it reads\n\n";
  card += text("- ", in.channels, in.channels == 1 ? " channel" : " channels", ", modality ",
               markdown(in.modality), "\n");
  card += text("- images from ", card_sizes(in.smallest), " to ", card_sizes(in.largest),
               ", seen by the network as ", card_sizes(in.size), "\n");
  card += text("- values from ", spelled(in.low), " to ", spelled(in.high), ", mean ",
               fixed(in.mean, 3), ", standard deviation ", fixed(in.deviation, 3),
               in.unit == "arbitrary" ? "" : text(" (", in.unit, ")"), "\n\n");
  card += "An image far outside of this gets no silent answer.\n\n";
}

void card_proof(std::string& card, ModelAbout const& about) {
  card += text("## How good it is\n\nMeasured on ", about.proof.cases, " cases of the split '",
               markdown(about.proof.split), "'.\n\n");
  card_measured(card, about.proof.metrics);
  for (auto const& point : about.operating_points) {
    card += text("### Operating point ", markdown(point.name), " of ", markdown(point.label),
                 "\n\n", markdown(point.label), " from ", spelled(point.threshold),
                 " on; chosen on '", markdown(point.chosen_on), "'.\n\n");
    card_measured(card, point.measured);
  }
}

// As an indented block: no fence that the text could close, no markup inside.
void card_plan(std::string& card, std::string const& plan) {
  for (auto const& line : split(plan, '\n')) {
    card += "    ";
    for (auto const c : line) card += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
    card += "\n";
  }
}

void card_provenance(std::string& card, ModelAbout::Provenance const& from) {
  card += text("## Where it comes from\n\n- trained on ", markdown(from.data),
               "; hash of the data ", markdown(from.data_hash), "\n- seed ", from.seed, "\n");
  if (!from.init.empty()) card += text("- first weights from ", markdown(from.init), "\n");
  for (auto const& [name, version] : from.versions)
    card += text("- ", markdown(name), " ", markdown(version), "\n");
  card += "\nThe plan that repeats the training:\n\n";
  card_plan(card, from.plan);
}

}  // namespace

std::string markdown(std::string_view words) {
  constexpr std::string_view special = "\\`*_{}[]()#+-!|~:@=";
  auto const digits = words.find_first_not_of("0123456789");
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto const c = words[i];
    auto const list_item = c == '.' && i == digits &&
                           words.substr(i + 1, 1) <= " ";  // "1. x" at the start of a line
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (static_cast<unsigned char>(c) < 32 || c == 127)
      out += ' ';
    else if (list_item || special.find(c) != std::string_view::npos)
      out += text('\\', c);
    else
      out += c;
  }
  return out;
}

std::string model_card(ModelAbout const& about) {
  std::string card =
      text("# ", markdown(about.name), "\n\n", markdown(about.description), "\n\n");
  card +=
      text("- task: ", markdown(about.task), "\n- intended use: ", markdown(about.intended_use),
           "\n- made by: ", markdown(about.authors), "\n\n");
  card_labels(card, about);
  card_input(card, about.input);
  card_proof(card, about);
  card_provenance(card, about.provenance);
  return card;
}

}  // namespace fovea
