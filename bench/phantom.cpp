// A small set of made-up CT with masks, for the row "same-masks". phantom FOLDER
#include "bench/row.hpp"
#include "learn/data/phantom_ct.hpp"

namespace fovea {
namespace {

int phantom_main(std::vector<std::string> const& words) {
  if (words.size() != 1) throw Error{Fault::usage, "expected FOLDER", "name one"};
  write_phantom_ct(words[0], {.train = 16, .test = 8, .size = 64, .slices = 16, .seed = 1}, {});
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::phantom_main);
}
