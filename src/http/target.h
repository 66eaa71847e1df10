// The target of a request line, taken apart strictly: what another program could read differently
// is refused, and a decoded slash stays inside its segment.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace payoutd::http {

struct Target {
  std::vector<std::string> segments;  // decoded; of "/" none; one trailing slash is not a segment
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order, repeats kept

  std::string path() const;  // "/a/b"
};

// Takes "/path?query" and "http://host/path?query". Errors (400) `invalid_target`: another form, a
// bad percent sign, an encoded NUL, what is not UTF-8, more than 200 query parameters.
Result<Target> parse_target(std::string_view target);

bool valid_utf8(std::string_view text);

}  // namespace payoutd::http
