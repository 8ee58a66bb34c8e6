#include "learn/foreign/bundle_parts.hpp"

#include "base/core/error.hpp"
#include "base/core/memory.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

std::optional<double> step_value(BundleStep const& step,
                                 std::string_view name,
                                 BundleValue const& value) {
  if (auto const* number = value.as<double>(); number != nullptr && std::isfinite(*number))
    return *number;
  if (auto const* number = value.as<std::int64_t>()) return static_cast<double>(*number);
  step_refuse(step, text("expected a number as ", name, ", got ", value.in_words()));
}

}  // namespace

void step_refuse(BundleStep const& step, std::string const& happened) {
  throw Error{Fault::input, text(step.name, ": ", happened),
              "correct the bundle's config or run it with MONAI"};
}

std::optional<double> step_number(BundleStep const& step, std::string_view name) {
  auto const at = step.options.find(name);
  if (at == step.options.end() || at->second.is_none()) return std::nullopt;
  return step_value(step, name, at->second);
}

double step_needed(BundleStep const& step, std::string_view name) {
  auto const value = step_number(step, name);
  if (!value) step_refuse(step, text("it has no ", name));
  return *value;
}

bool step_flag(BundleStep const& step, std::string_view name, bool otherwise) {
  auto const at = step.options.find(name);
  if (at == step.options.end()) return otherwise;
  if (at->second.as<BundleValue::List>() != nullptr)
    step_refuse(step, text("expected one value as ", name, ", got ", at->second.in_words()));
  return at->second.is_true();
}

std::string step_word(BundleStep const& step, std::string_view name, std::string otherwise) {
  auto const at = step.options.find(name);
  if (at == step.options.end() || at->second.is_none()) return otherwise;
  auto const* value = &at->second;
  auto const* list = value->as<BundleValue::List>();
  if (list != nullptr && list->size() == 1) value = &list->front();
  if (auto const* word = value->as<std::string>()) return *word;
  step_refuse(step, text("expected a word as ", name, ", got ", value->in_words()));
}

std::vector<double> step_list(BundleStep const& step, std::string_view name) {
  auto const at = step.options.find(name);
  if (at == step.options.end() || at->second.is_none()) return {};
  std::vector<double> out;
  if (auto const* list = at->second.as<BundleValue::List>()) {
    for (auto const& one : *list) out.push_back(*step_value(step, name, one));
  } else {
    out.push_back(*step_value(step, name, at->second));
  }
  return out;
}

std::array<std::optional<double>, 3> step_axes(BundleStep const& step, std::string_view name) {
  auto const at = step.options.find(name);
  auto const numbers = step_list(step, name);
  if (numbers.empty()) step_refuse(step, text("it has no ", name));
  constexpr std::size_t axes = 3;
  if (numbers.size() > axes)
    step_refuse(step,
                text("expected at most 3 numbers as ", name, ", got ", at->second.in_words()));
  std::array<std::optional<double>, 3> out;
  auto const for_all = at->second.as<BundleValue::List>() == nullptr;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    if (for_all || axis < numbers.size()) out[axis] = numbers[for_all ? 0 : axis];
  }
  return out;
}

std::array<std::optional<std::int64_t>, 3> step_sizes(BundleStep const& step,
                                                      std::string_view name,
                                                      std::int64_t most) {
  std::array<std::optional<std::int64_t>, 3> out;
  auto const numbers = step_axes(step, name);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (!numbers[axis]) continue;
    auto const value = *numbers[axis];
    if (value != std::floor(value) || std::abs(value) > static_cast<double>(most))
      step_refuse(step, text("expected whole numbers of at most ", most, " as ", name, ", got ",
                             spelled(value)));
    out[axis] = static_cast<std::int64_t>(value);
  }
  return out;
}

void bundle_demand(BundleStep const& step, Grid const& grid, std::int64_t channels) {
  auto const bytes = static_cast<double>(grid.size[0]) * static_cast<double>(grid.size[1]) *
                     static_cast<double>(grid.size[2]) * static_cast<double>(channels) *
                     sizeof(float);
  auto const most = static_cast<double>(available_memory());
  if (bytes <= most) return;
  throw Error{Fault::resource,
              text(step.name, " would make an image of ", grid.size[0], " x ", grid.size[1],
                   " x ", grid.size[2], ", ", bytes_in_words(bytes), ", and ",
                   bytes_in_words(most), " are free"),
              "check the size or spacing in the bundle's config"};
}

Volume bundle_floats(Volume const& image) {
  Volume out{image.grid(), Type::f32, image.unit(), image.channels()};
  auto const to = out.write<float>();
  with_type(image.type(), [&](auto kind) {
    auto const from = image.as<decltype(kind)>();
    std::transform(from.begin(), from.end(), to.begin(),
                   [](auto value) { return static_cast<float>(value); });
  });
  return out;
}

}  // namespace fovea
