#include "learn/plan/plan.hpp"

namespace fovea {

std::span<KeyRow const> common_keys() {
  using enum KeyKind;
  static constexpr KeyRow rows[] = {
      {"task", word, "", "what is learnt: a task that `fovea train --help` lists"},
      {"data", place, "", "the data set's folder or file"},
      {"patient_from", word, "",
       "regular expression on the file name whose first group is the patient"},
      {"validation_share", fraction, "0.15",
       "share of the patients set aside for choices, where the data gives no split", 0.01, 0.5},
      {"test_share", fraction, "0.15",
       "share of the patients set aside for the proof, where the data gives no split", 0, 0.5},
      {"allow_test_duplicates", flag, "false",
       "train although test images are pixel-equal to training images"},
      {"seed", whole, "1", "of splits, weights, order and augmentation", 0, 1e15},
      {"threads", whole, "0", "CPU threads; 0: all that the container grants", 0, 1024},
      {"loader_threads", whole, "0", "threads that prepare samples; 0: chosen from the cores",
       0, 256},
      {"device", word, "auto", "where the network runs", 0, 0, "auto|cpu|cuda"},
      {"precision", word, "auto",
       "arithmetic that may be used; auto: bfloat16 where a short probe finds it at least 1.2 "
       "times as fast",
       0, 0, "auto|float32|bfloat16"},
      {"executor", word, "auto",
       "what computes the network: LibTorch node by node, or convolutions and gradients of our "
       "own on a CPU; auto: what a short probe finds faster",
       0, 0, "auto|torch|fused"},
      {"run_as", word, "",
       "precision, memory format and executor that the probe chose; empty: probe"},
      {"time", time, "10m",
       "wall time for everything, evaluation and report included; 0: no limit, epochs count"},
      {"epochs", whole, "0", "passes over the training cases; 0: as many as fit into the time",
       0, 1e6},
      {"steps", whole, "0", "updates of the weights; 0: from the epochs or the time", 0, 1e12},
      {"shortenings", list, "[]",
       "STEP:STEPS, written when a run was slower than foreseen: from that step on the "
       "schedule ended earlier; FOLD/STEP:STEPS of a fold after the first"},
      {"batch_size", whole, "32", "samples in one update", 1, 65536},
      {"network", word, "resnet18", "a network that `fovea train --help` lists"},
      {"search", flag, "false",
       "first try some networks, sizes and learning rates for a quarter of the time, and take "
       "the "
       "best by validation"},
      {"dropout", fraction, "0", "share of values dropped before the head while training", 0,
       0.95},
      {"init", place, "", "weights to begin with: a package, a safetensors file"},
      {"optimiser", word, "adamw", "how weights are moved", 0, 0, "adamw|adam|sgd"},
      {"learning_rate", fraction, "0.001", "at the top of the schedule", 1e-9, 100},
      {"schedule", word, "cosine", "how the learning rate falls", 0, 0,
       "cosine|poly|one-cycle|plateau|constant"},
      {"plateau_after", whole, "3",
       "of the schedule plateau: validations without a new best until the rate is cut", 1, 1e6},
      {"plateau_factor", fraction, "0.2", "what the rate is multiplied with then", 1e-6, 1},
      {"warm_up", fraction, "0.05", "share of the steps in which the learning rate rises", 0,
       0.9},
      {"weight_decay", fraction, "0.01", "pull towards zero; not on norms and biases", 0, 10},
      {"momentum", fraction, "0.9", "of sgd", 0, 0.9999},
      {"beta1", fraction, "0.9", "of adam and adamw: decay of the mean gradient", 0, 0.9999},
      {"beta2", fraction, "0.999", "of adam and adamw: decay of the mean squared gradient", 0,
       0.999999},
      {"epsilon", fraction, "1e-08", "of adam and adamw: added to the divisor", 1e-16, 1},
      {"l1", fraction, "0", "weight of the sum of absolute weights", 0, 10},
      {"clip", fraction, "1", "largest norm of the gradient; 0: no limit", 0, 1e6},
      {"average", fraction, "0", "decay of the moving average of the weights; 0: none", 0,
       0.99999},
      {"keep", word, "last", "which weights the run ends with", 0, 0, "last|best"},
      {"patience", whole, "0", "validations without a better score until it stops; 0: never", 0,
       1e6},
      {"validate_every", whole, "0",
       "steps between validations; 0: each epoch, but at most a tenth of the time", 0, 1e12},
      {"checkpoint_seconds", fraction, "45", "at most so much work can be lost", 0.1, 3600},
      {"folds", whole, "1",
       "train this many networks, each validated on another part of the training cases, and "
       "let them answer together",
       1, 20},
      {"report_images", flag, "true",
       "false: a report and a package without images, paths and names of files"},
      {"test_flips", flag, "false", "answer with the mean over the image and its mirror image"},
  };
  return rows;
}

}  // namespace fovea
