#include "reports/table.h"

#include <algorithm>

#include "base/check.h"

namespace payoutd::reports {
namespace {

std::string text_of(const Cell& cell) {
  struct Text {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(const std::string& words) const { return words; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(const Money& money) const { return to_decimal(money); }
  };
  return std::visit(Text{}, cell);
}

// Spreadsheets take what begins so for a formula, the full-width forms too.
bool looks_like_formula(std::string_view words) {
  constexpr std::string_view kBegins = "=+-@\t\r\n";
  if (words.empty()) return false;
  if (kBegins.find(words.front()) != std::string_view::npos) return true;
  return std::ranges::any_of(std::initializer_list<std::string_view>{"＝", "＋", "－", "＠"},
                             [&](std::string_view wide) { return words.starts_with(wide); });
}

std::string in_quotes(std::string_view words) {
  if (words.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(words);
  std::string out = "\"";
  for (const char c : words) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string csv_cell(const Cell& cell) {
  const auto* words = std::get_if<std::string>(&cell);
  if (words == nullptr) return text_of(cell);
  return in_quotes(looks_like_formula(*words) ? "'" + *words : *words);
}

// Characters, not bytes; what terminals show wider is not known here.
std::size_t width_of(std::string_view text) {
  const auto begins_one = [](char c) { return (c & 0xC0) != 0x80; };
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_one));
}

// Words come from customers: none may steer the terminal.
std::string printable(const Cell& cell) {
  std::string text = text_of(cell);
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width - width_of(text), ' ');
  return right ? space + text : text + space;
}

}  // namespace

std::string csv(const Table& table) {
  std::string out;
  const auto end_line = [&out] {
    out.pop_back();
    out += "\r\n";
  };
  for (const std::string& name : table.columns) out += in_quotes(name) + ",";
  end_line();
  for (const auto& row : table.rows) {
    CHECK(row.size() == table.columns.size());
    for (const Cell& cell : row) out += csv_cell(cell) + ",";
    end_line();
  }
  return out;
}

std::string lines(const Table& table) {
  std::vector<std::size_t> widths;
  std::vector<bool> right(table.columns.size(), false);
  for (const std::string& name : table.columns) widths.push_back(width_of(name));
  for (const auto& row : table.rows) {
    CHECK(row.size() == table.columns.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(printable(row[i])));
      if (row[i].index() >= 2) right[i] = true;  // a number or an amount
    }
  }
  std::string out;
  const auto write = [&](std::size_t i, const std::string& text) {
    out += (i == 0 ? "" : "  ") + padded(text, widths[i], right[i]);
    if (i + 1 < widths.size()) return;
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  for (std::size_t i = 0; i < table.columns.size(); ++i) write(i, table.columns[i]);
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) write(i, printable(row[i]));
  }
  return out;
}

}  // namespace payoutd::reports
