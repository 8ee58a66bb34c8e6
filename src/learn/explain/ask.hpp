#pragma once

#include "learn/explain/explain.hpp"

namespace fovea {

/// Throws Error{bug} unless it is one image [1, channels, (k,) j, i].
void expect_one_image(at::Tensor const& image);

/// The answers for images [cases, …], `batch` at a time, without gradient: [cases] float64 on
/// the CPU.
at::Tensor answers(Network const& network,
                   at::Tensor const& images,
                   Question const& question,
                   std::int64_t batch);

/// The question's answer for outputs of `cases` cases; throws Error{bug} if it is not one
/// number for each.
at::Tensor asked(Question const& question, at::Tensor const& outputs, std::int64_t cases);

/// d(sum of the answers) / d(`by`), with the tape that led from one to the other; zeros if the
/// answers do not depend on it.
at::Tensor gradient_of(at::Tensor const& answers, at::Tensor const& by);

/// Values on a coarse grid [1, channels, (k,) j, i], stretched linearly to `size`; the outer
/// edges of the grids meet.
at::Tensor stretched(at::Tensor const& coarse, at::IntArrayRef size);

}  // namespace fovea
