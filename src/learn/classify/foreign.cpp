#include "learn/classify/foreign.hpp"

#include "base/core/zip.hpp"
#include "learn/classify/evaluation.hpp"
#include "learn/tensor/tensor.hpp"

#include <algorithm>

namespace fovea {

bool is_torchscript(fs::path const& file) {
  std::error_code fault;
  if (!fs::is_regular_file(file, fault)) return false;
  try {
    ZipReader const zip{file};
    return !zip.has("package.json") &&
           std::ranges::any_of(zip.entries(), [](ZipEntry const& entry) {
             return entry.name.ends_with("/constants.pkl");
           });
  } catch (Error const&) {
    return false;  // no zip: whoever opens it next says so
  }
}

ForeignClassifier::ForeignClassifier(fs::path const& file,
                                     Contract contract,
                                     std::vector<std::string> labels)
    : module_(file), contract_(contract), labels_(std::move(labels)) {}

Answer ForeignClassifier::operator()(Volume const& image) const {
  auto const prepared = contract_.prepare.normalise(contract_.prepare(image));
  auto const logits = module_(tensor_of(prepared).squeeze(1).unsqueeze(0)).to(at::kCPU);
  auto const count =
      labels_.empty() ? logits.numel() : static_cast<std::int64_t>(labels_.size());
  if (logits.numel() != count || count < 2)
    throw Error{
        Fault::input,
        text("the foreign network gave ", logits.numel(), " numbers for one image, expected ",
             labels_.empty() ? "two or more" : text(count, ", one for each label")),
        "name its labels in the order of its outputs with --labels"};
  auto const dense = probabilities_of(logits.reshape({1, count}), contract_, 1).contiguous();
  demand_numbers(dense);
  auto names = labels_;
  for (std::int64_t i = 0; labels_.empty() && i < count; ++i) names.push_back(text(i));
  return answer_from(names, contract_.multi_label,
                     {dense.const_data_ptr<double>(), static_cast<std::size_t>(count)});
}

}  // namespace fovea
