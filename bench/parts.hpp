#pragma once

#include <ATen/record_function.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fovea {

/// While it lives, milliseconds within each named part of the work (RECORD_USER_SCOPE), without
/// the parts inside it. One at a time, and parts of one thread only.
class NamedParts {
 public:
  NamedParts() {
    milliseconds().clear();
    at::clearCallbacks();
    at::addGlobalCallback(at::RecordFunctionCallback(&NamedParts::begin, &NamedParts::end)
                              .scopes({at::RecordScope::USER_SCOPE}));
  }
  ~NamedParts() { at::clearCallbacks(); }
  NamedParts(NamedParts const&) = delete;
  NamedParts& operator=(NamedParts const&) = delete;

  static std::map<std::string, double>& milliseconds() {
    static std::map<std::string, double> all;
    return all;
  }

 private:
  static std::vector<double>& inside() {
    static std::vector<double> all{0};
    return all;
  }
  struct Start : at::ObserverContext {
    std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
  };
  static std::unique_ptr<at::ObserverContext> begin(at::RecordFunction const&) {
    inside().push_back(0);
    return std::make_unique<Start>();
  }
  static void end(at::RecordFunction const& part, at::ObserverContext* context) {
    auto const now = std::chrono::steady_clock::now();
    auto const& start = static_cast<Start const&>(*context);
    std::chrono::duration<double, std::milli> const took = now - start.at;
    auto const within = inside().back();
    inside().pop_back();
    inside().back() += took.count();
    milliseconds()[part.name()] += took.count() - within;
  }
};

}  // namespace fovea
