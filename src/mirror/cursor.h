// Where a page of a list by (created, id) ended, as an opaque text that is safe in a URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace payoutd::mirror {

struct Cursor {
  Time created{};
  std::string id;  // letters, digits, '_', '-', '.'
  friend bool operator==(const Cursor&, const Cursor&) = default;

  std::string text() const;
  static std::optional<Cursor> parse(std::string_view text);
};

}  // namespace payoutd::mirror
