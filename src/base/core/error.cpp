#include "base/core/error.hpp"

namespace fovea {

Error::Error(Fault fault, std::string const& happened, std::string const& remedy)
    : std::runtime_error(remedy.empty() ? happened : happened + "; " + remedy), fault_(fault) {}

}  // namespace fovea
