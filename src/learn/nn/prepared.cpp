#include "learn/nn/executor.hpp"

#include <c10/core/GradMode.h>

namespace fovea {

struct Prepared::Steps {
  Program const& program;
  Weights const& weights;
  Execution how;
};

Prepared::Prepared(Program const& program, Weights const& weights, Execution how)
    : steps_{std::make_unique<Steps>(Steps{program, weights, how})} {}
Prepared::~Prepared() = default;

bool Prepared::holds(Weights const&, Execution how) const {
  return steps_->how == how;
}

at::Tensor Prepared::operator()(at::Tensor const& input) const {
  return run_by_torch(steps_->program, steps_->weights, steps_->how, input, {}).back();
}

}  // namespace fovea
