#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace payoutd::log {
namespace {

constexpr std::size_t kMostStates = 32;

std::atomic<bool> as_json{false};
thread_local std::vector<std::pair<std::string, std::string>> scopes;

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("payoutd",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

const char* name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  return "info";
}

// A value that could break the line or hide in it is quoted.
std::string quoted(const std::string& value) {
  const bool plain = !value.empty() && std::ranges::all_of(value, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
  return plain ? value : dump(Json(value));
}

bool token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

constexpr std::array<std::string_view, 9> kSecretPrefixes = {"sk_live_", "sk_test_", "rk_live_",
                                                             "rk_test_", "whsec_",   "pk_payoutd_",
                                                             "Bearer ",  "Basic ",   "://"};

// A URL's user and password: "postgresql://user:password@host".
std::size_t credentials_end(std::string_view text, std::size_t from) {
  const auto end = text.find_first_of("@/ \"", from);
  return end != std::string_view::npos && text[end] == '@' ? end : from;
}

}  // namespace

Result<void> configure(std::string_view setting) {
  std::size_t from = 0;
  while (from <= setting.size()) {
    const auto comma = std::min(setting.find(',', from), setting.size());
    const std::string_view word = setting.substr(from, comma - from);
    from = comma + 1;
    if (word == "json" || word == "text") {
      as_json = word == "json";
    } else if (word == "debug" || word == "info" || word == "warn" || word == "error") {
      logger().set_level(spdlog::level::from_str(word == "error" ? "err" : std::string(word)));
    } else if (!word.empty()) {
      return Error{
          Kind::invalid, "invalid_log_setting",
          fmt::format("\"{}\" is no log setting: give debug, info, warn or error, and text or "
                      "json, like \"info,json\"",
                      word)};
    }
  }
  return {};
}

bool enabled(Level level) { return logger().should_log(to_spdlog(level)); }

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  const std::string now = to_iso(SystemClock{}.now());
  if (as_json) {
    OrderedJson line{{"time", now}, {"level", name_of(level)}, {"message", message}};
    for (const auto& [name, value] : scopes) line[name] = redact(value);
    for (const Field& field : fields) line[std::string(field.name)] = redact(field.value);
    logger().log(to_spdlog(level), "{}", dump(line));
    return;
  }
  std::string line = fmt::format("{} {:5} {}", now, name_of(level), message);
  for (const auto& [name, value] : scopes)
    line += fmt::format(" {}={}", name, quoted(redact(value)));
  for (const Field& field : fields) {
    line += fmt::format(" {}={}", field.name, quoted(redact(field.value)));
  }
  logger().log(to_spdlog(level), "{}", line);
}

Scope::Scope(std::string_view name, std::string value) {
  scopes.emplace_back(name, std::move(value));
}
Scope::~Scope() { scopes.pop_back(); }

void Repeated::write(Level level, std::string_view message, std::string_view state,
                     std::initializer_list<Field> fields) {
  const auto unsaid = due(state, std::chrono::steady_clock::now());
  if (!unsaid) return;
  std::optional<Scope> count;
  if (*unsaid > 0) count.emplace("unsaid", std::to_string(*unsaid));
  log::write(level, message, fields);
}

bool Repeated::over() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(lasts_, false);
}

std::optional<std::uint64_t> Repeated::due(std::string_view state, Instant now) {
  const std::scoped_lock lock(mutex_);
  auto found = states_.find(state);
  if (found == states_.end()) {
    // Those that differ in every message are one.
    const bool full = states_.size() >= kMostStates;
    found = states_.try_emplace(full ? std::string() : std::string(state)).first;
  }
  State& known = found->second;
  if (known.written != Instant{} && now - known.written < every_) {
    ++known.unsaid;
    return std::nullopt;
  }
  known.written = now;
  lasts_ = true;
  return std::exchange(known.unsaid, 0);
}

std::string redact(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  while (i < text.size()) {
    const auto* prefix = std::ranges::find_if(
        kSecretPrefixes, [&](std::string_view p) { return text.substr(i).starts_with(p); });
    if (prefix == kSecretPrefixes.end()) {
      out += text[i++];
      continue;
    }
    out += *prefix;
    i += prefix->size();
    std::size_t end = i;
    if (*prefix == "://") {
      end = credentials_end(text, i);
    } else {
      while (end < text.size() && (token_char(text[end]) || text[end] == '=' || text[end] == '+' ||
                                   text[end] == '/' || text[end] == '-' || text[end] == '.')) {
        ++end;
      }
    }
    if (end > i) out += "***";
    i = end;
  }
  return out;
}

}  // namespace payoutd::log
