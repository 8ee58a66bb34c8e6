// make_images FOLDER PATIENTS SIZE: a small phantom set without planted faults, for the tests
// of the programs.
#include "base/core/words.hpp"
#include "learn/data/phantom_chest.hpp"

#include <iostream>

int main(int argc, char** argv) try {
  auto const patients = argc == 4 ? fovea::whole(argv[2]) : std::nullopt;
  auto const size = argc == 4 ? fovea::whole(argv[3]) : std::nullopt;
  if (!patients || !size)
    throw fovea::Error{fovea::Fault::usage, "expected FOLDER PATIENTS SIZE", "give all three"};
  fovea::write_phantom_chest(
      argv[1], {.patients = static_cast<int>(*patients), .size = *size, .faults = false});
} catch (fovea::Error const& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.fault());
}
