// A report as rows and columns: what CSV and the terminal print.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/money.h"

namespace payoutd::reports {

// Nothing, words, a whole number, or an amount, which is written exactly in major units.
using Cell = std::variant<std::monostate, std::string, std::int64_t, Money>;

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;  // each with a cell for each column
};

// RFC 4180, with a header line. Words that a spreadsheet would take for a formula get an apostrophe
// in front; amounts are numbers, and stay.
std::string csv(const Table& table);

// Aligned columns for people: words to the left, numbers to the right.
std::string lines(const Table& table);

}  // namespace payoutd::reports
