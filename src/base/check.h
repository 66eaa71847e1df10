// CHECK holds our own promises, in release builds too. A broken one throws Broken, which only the
// router, the worker and main catch: one bad row never stops the process.
#pragma once

#include <stdexcept>
#include <string>

namespace payoutd {

struct Broken : std::logic_error {
  using std::logic_error::logic_error;
};

[[noreturn]] inline void broken(const char* what, const char* file, int line) {
  throw Broken(std::string(file) + ":" + std::to_string(line) + ": broken promise: " + what);
}

}  // namespace payoutd

#define CHECK(condition)                                                 \
  do {                                                                   \
    if (!(condition)) ::payoutd::broken(#condition, __FILE__, __LINE__); \
  } while (false)
