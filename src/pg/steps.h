// A migration in steps, read: the text is cut at its "-- step" lines and refused where a step would
// never run, could not run outside a transaction, or could not run twice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace payoutd::pg {

struct Step {
  std::string sql;
  // Builds, drops or rebuilds an index concurrently: it waits for old transactions, and no one
  // waits for it.
  bool concurrent = false;
  std::string index{};  // that it builds concurrently
  // A "-- step of each" holds a SELECT whose every row is one statement, to be run as a step.
  bool of_each = false;
};

// The first line begins "-- in steps".
bool in_steps(std::string_view sql);

// In their order, at least one. Error (invalid): which step is wrong, and why.
Result<std::vector<Step>> steps_of(std::string_view sql);

// One statement as a step; the same error.
Result<Step> step_of(std::string sql);

}  // namespace payoutd::pg
