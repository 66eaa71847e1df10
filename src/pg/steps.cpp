#include "pg/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace payoutd::pg {
namespace {

constexpr std::string_view kInSteps = "-- in steps";
constexpr std::string_view kStep = "-- step";
constexpr std::string_view kOfEach = "-- step of each";

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Where the comment or literal that begins at `at` ends, or `at` when none does.
std::size_t skip_quoted(std::string_view sql, std::size_t at) {
  const auto past = [&](std::string_view end, std::size_t from) {
    const auto found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  if (sql.substr(at, 2) == "--") return past("\n", at);
  if (sql.substr(at, 2) == "/*") return past("*/", at + 2);
  if (sql[at] == '\'') return past("'", at + 1);
  if (sql[at] != '$' || (at > 0 && is_word(sql[at - 1]))) return at;
  std::size_t end = at + 1;
  while (end < sql.size() && is_word(sql[end])) ++end;
  if (end == sql.size() || sql[end] != '$') return at;
  return past(sql.substr(at, end + 1 - at), end + 1);
}

// The statement without comments, and without what stands in quotes.
std::string code_of(std::string_view sql) {
  std::string code;
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t next = skip_quoted(sql, at);
    code += next == at ? sql[at] : ' ';
    at = std::max(next, at + 1);
  }
  return code;
}

std::string lower(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

std::vector<std::string> words_in(std::string_view code) {
  std::vector<std::string> words;
  bool within = false;
  for (const char c : code) {
    if (is_space(c) || c == '(' || c == ';') {
      within = false;
      continue;
    }
    if (!within) words.emplace_back();
    within = true;
    words.back() += c;
  }
  return words;
}

std::string index_name(std::string_view word) {
  word.remove_prefix(word.rfind('.') + 1);  // npos + 1 is 0
  if (word.size() > 1 && word.front() == '"') return std::string(word.substr(1, word.size() - 2));
  return lower(word);
}

bool begins(const std::vector<std::string>& words, std::initializer_list<std::string_view> with) {
  return words.size() >= with.size() &&
         std::equal(with.begin(), with.end(), words.begin(),
                    [](std::string_view a, const std::string& b) { return a == lower(b); });
}

Error fault(std::string what) { return Error{Kind::invalid, "step_invalid", std::move(what)}; }

Result<void> read_index(std::vector<std::string> words, Step& step) {
  if (words.size() > 1 && lower(words[1]) == "unique") words.erase(words.begin() + 1);
  if (begins(words, {"drop", "index", "concurrently"})) {
    step.concurrent = true;
    if (!begins(words, {"drop", "index", "concurrently", "if", "exists"})) {
      return fault("DROP INDEX without IF EXISTS can't be repeated");
    }
  }
  if (!begins(words, {"create", "index", "concurrently"})) return {};
  step.concurrent = true;
  if (!begins(words, {"create", "index", "concurrently", "if", "not", "exists"}) ||
      words.size() < 7) {
    return fault("CREATE INDEX without IF NOT EXISTS and a name can't be repeated");
  }
  step.index = index_name(words[6]);
  return {};
}

std::string_view take_line(std::string_view& sql) {
  const std::string_view line = sql.substr(0, sql.find('\n'));
  sql.remove_prefix(std::min(sql.size(), line.size() + 1));
  return line;
}

// "-- steps" begins a sentence, not a step.
bool begins_step(std::string_view line) {
  return line.starts_with(kStep) && (line.size() == kStep.size() || !is_word(line[kStep.size()]));
}

}  // namespace

bool in_steps(std::string_view sql) { return sql.starts_with(kInSteps); }

Result<Step> step_of(std::string sql) {
  const std::string code = code_of(sql);
  const auto end = std::min(code.find(';'), code.size());
  if (std::ranges::all_of(code.substr(0, end), is_space)) return fault("a step is empty");
  if (!std::ranges::all_of(code.substr(end), [](char c) { return c == ';' || is_space(c); })) {
    return fault("a step holds more than one statement");
  }
  Step step{.sql = std::move(sql)};
  if (auto read = read_index(words_in(code), step); !read) return read.error();
  return step;
}

Result<std::vector<Step>> steps_of(std::string_view sql) {
  std::vector<std::pair<std::string, bool>> texts;  // and whether it is of each
  std::string before;
  while (!sql.empty()) {
    const std::string_view line = take_line(sql);
    if (begins_step(line)) {
      texts.emplace_back("", line.starts_with(kOfEach));
    } else {
      (texts.empty() ? before : texts.back().first).append(line).push_back('\n');
    }
  }
  if (!std::ranges::all_of(code_of(before), is_space)) {
    return fault("a statement stands before the first step");
  }
  if (texts.empty()) return fault("there are no steps");
  std::vector<Step> steps;
  for (auto& [text, of_each] : texts) {
    auto step = step_of(std::move(text));
    if (!step) {
      return fault(fmt::format("step {}: {}", steps.size() + 1, step.error().message));
    }
    step->of_each = of_each;
    steps.push_back(*std::move(step));
  }
  return steps;
}

}  // namespace payoutd::pg
