// One line an event, as text for people or JSON for machines, on standard error. A line names its
// request or job and never a secret: pass Secret, not its text, and keys are masked in any case.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace payoutd::log {

enum class Level { debug, info, warn, error };

struct Field {
  std::string_view name;
  std::string value;
  template <class T>
  Field(std::string_view n, const T& v) : name(n), value(fmt::format("{}", v)) {}
};

// "info", "debug,json", "warn,text": level and form in any order. Error: names what is allowed.
Result<void> configure(std::string_view setting);

// False: lines of this level are dropped, so their fields need not be made.
bool enabled(Level level);

// `message` is a fixed sentence; what varies goes into fields.
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::debug, m, f);
}
inline void info(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::info, m, f);
}
inline void warn(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::warn, m, f);
}
inline void error(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::error, m, f);
}

// Adds a field to every line that this thread writes while it lives: request_id, job_id.
class Scope {
 public:
  Scope(std::string_view name, std::string value);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
};

// For a line that a loop would write again and again while something lasts. Each `state` of it (an
// error's message, say) is written at once, and then at most once in `every`, with `unsaid`: how
// often it was left out since. Any thread.
class Repeated {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  explicit Repeated(std::chrono::seconds every = std::chrono::seconds{30}) : every_(every) {}

  void write(Level level, std::string_view message, std::string_view state,
             std::initializer_list<Field> fields = {});
  // True if something was written since the last time: what lasted is over now.
  bool over();

  // How often the state was left out since it was last written; nothing: it is left out now.
  std::optional<std::uint64_t> due(std::string_view state, Instant now);

 private:
  struct State {
    Instant written{};
    std::uint64_t unsaid = 0;
  };

  const std::chrono::seconds every_;
  std::mutex mutex_;
  std::map<std::string, State, std::less<>> states_;
  bool lasts_ = false;
};

// Masks what looks like a Stripe key, a webhook secret, an API key of ours or a bearer token.
std::string redact(std::string_view text);

}  // namespace payoutd::log
