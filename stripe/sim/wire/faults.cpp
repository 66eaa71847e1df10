#include "stripe/sim/wire/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace payoutd::sim {
namespace {

constexpr std::size_t kMaxFaults = 1'000;
constexpr int kMaxMs = 600'000;
constexpr int kMaxCount = 1'000'000'000;
constexpr int kDefaultReorderMs = 1'000;

using Do = Fault::Do;
constexpr std::array<std::pair<std::string_view, Do>, 12> kNames{{
    {"latency", Do::latency},
    {"reset_before", Do::reset_before},
    {"reset_after", Do::reset_after},
    {"truncate", Do::truncate},
    {"status", Do::status},
    {"status_after", Do::status_after},
    {"alter", Do::alter},
    {"drop", Do::drop},
    {"duplicate", Do::duplicate},
    {"reorder", Do::reorder},
    {"delay", Do::delay},
    {"twin", Do::twin},
}};

enum class At { request, delivery, event };

At place_of(Do what) {
  switch (what) {
    case Do::latency:
    case Do::reset_before:
    case Do::reset_after:
    case Do::truncate:
    case Do::status:
    case Do::status_after:
    case Do::alter: return At::request;
    case Do::drop:
    case Do::duplicate:
    case Do::reorder:
    case Do::delay: return At::delivery;
    case Do::twin: return At::event;
  }
  std::unreachable();
}

// `*` is any run of characters. Linear in practice: only the last star is tried again.
bool glob_fits(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Error wrong_fault(std::string_view field, std::string_view allowed) {
  return Error{Kind::invalid, "fault_invalid", fmt::format("{} must be {}", field, allowed),
               std::string(field)};
}

// Reads one JSON object field by field; remembers the first thing that is wrong.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  void text(const char* name, std::string& into, std::size_t max = 500) {
    const Json* value = find(name);
    if (!value) return;
    if (!value->is_string() || characters(value->get_ref<const std::string&>()) > max) {
      return fail(name, fmt::format("a string of at most {} characters", max));
    }
    into = value->get<std::string>();
  }

  void text(const char* name, std::optional<std::string>& into, std::size_t max) {
    const Json* value = find(name);
    if (!value) return;
    text(name, into.emplace(), max);
  }

  void number(const char* name, int& into, int least, int most) {
    const Json* value = find(name);
    if (!value) return;
    const bool in_range = value->is_number_unsigned()
                              ? value->get<std::uint64_t>() <= static_cast<std::uint64_t>(most) &&
                                    value->get<std::int64_t>() >= least
                              : value->is_number_integer() && value->get<std::int64_t>() >= least &&
                                    value->get<std::int64_t>() <= most;
    if (!in_range) return fail(name, fmt::format("an integer from {} to {}", least, most));
    into = value->get<int>();
  }

  void flag(const char* name, std::optional<bool>& into) {
    const Json* value = find(name);
    if (!value) return;
    if (!value->is_boolean()) return fail(name, "true or false");
    into = value->get<bool>();
  }

  void what(Do& into) {
    std::string name;
    text("do", name);
    const auto* found = std::ranges::find(kNames, name, &std::pair<std::string_view, Do>::first);
    if (found != kNames.end()) {
      into = found->second;
      return;
    }
    std::string names;
    for (const auto& [known, what] : kNames)
      names += (names.empty() ? "" : ", ") + std::string(known);
    fail("do", "one of " + names);
  }

  // What was not asked for is a spelling mistake.
  void refuse_others() {
    for (const auto& [name, value] : json_.items()) {
      if (std::ranges::find(known_, name) == known_.end()) {
        fail(name, "left out: no fault has such a field");
      }
    }
  }

  void fail(std::string_view field, std::string_view allowed) {
    if (!error_) error_ = wrong_fault(field, allowed);
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const Json* find(const char* name) {
    known_.emplace_back(name);
    const auto found = json_.find(name);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  const Json& json_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

Result<Fault> read_fault(const Json& json) {
  if (!json.is_object()) return wrong_fault("faults", "an array of objects");
  Reader reader(json);
  Fault fault;
  reader.what(fault.what);
  reader.text("method", fault.method);
  reader.text("path", fault.path);
  reader.text("type", fault.type);
  reader.number("ms", fault.ms, 0, kMaxMs);
  reader.number("status", fault.status, 200, 599);
  reader.number("count", fault.count, 0, kMaxCount);
  reader.number("every", fault.every, 1, kMaxCount);
  reader.text("find", fault.find);
  reader.text("with", fault.with);
  reader.text("code", fault.code);
  reader.text("message", fault.message);
  reader.text("body", fault.body, 10'000);
  reader.text("reason", fault.reason);
  reader.flag("should_retry", fault.should_retry);
  fault.stored = fault.what == Do::status_after && fault.status == 500 && !fault.body;
  std::optional<bool> stored;
  reader.flag("stored", stored);
  int retry_after = -1;
  reader.number("retry_after", retry_after, 0, 86'400);
  reader.refuse_others();
  if (fault.what == Do::alter && fault.find.empty()) reader.fail("find", "the text to be altered");
  if (reader.error()) return *reader.error();
  if (stored) fault.stored = *stored;
  if (retry_after >= 0) fault.retry_after = retry_after;
  if (fault.what == Do::reorder && fault.ms == 0) fault.ms = kDefaultReorderMs;
  std::ranges::transform(fault.method, fault.method.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return fault;
}

OrderedJson to_json(const Fault& fault) {
  OrderedJson json{{"do", name_of(fault.what)}};
  if (place_of(fault.what) == At::request) json["method"] = fault.method;
  if (place_of(fault.what) != At::event) json["path"] = fault.path;
  if (place_of(fault.what) != At::request) json["type"] = fault.type;
  if (fault.ms > 0) json["ms"] = fault.ms;
  if (fault.what == Do::status || fault.what == Do::status_after) {
    json["status"] = fault.status;
    json["stored"] = fault.stored;
  }
  json["count"] = fault.count;
  if (fault.every > 1) json["every"] = fault.every;
  if (fault.what == Do::alter) {
    json["find"] = fault.find;
    json["with"] = fault.with;
  }
  if (!fault.code.empty()) json["code"] = fault.code;
  if (!fault.message.empty()) json["message"] = fault.message;
  if (fault.body) json["body"] = *fault.body;
  if (!fault.reason.empty()) json["reason"] = fault.reason;
  if (fault.should_retry) json["should_retry"] = *fault.should_retry;
  if (fault.retry_after) json["retry_after"] = *fault.retry_after;
  return json;
}

std::string default_message(const Fault& fault) {
  if (fault.code == "lock_timeout") {
    return "This object cannot be accessed right now because another API request or Stripe process "
           "is "
           "currently accessing it. If you see this error intermittently, retry the request. If "
           "you see "
           "this error frequently and are making multiple concurrent requests to a single object, "
           "make "
           "your requests serially or at a lower rate.";
  }
  if (fault.status == 429) return "Request rate limit exceeded.";
  if (fault.status >= 500) {
    return "Sorry, there was an unexpected error. We have been notified of the problem.";
  }
  return "The request was refused by an injected fault.";
}

}  // namespace

std::string_view name_of(Do what) {
  const auto* found = std::ranges::find(kNames, what, &std::pair<std::string_view, Do>::second);
  return found->first;
}

Result<std::size_t> Faults::add(const Json& faults) {
  const Json list = faults.is_object() ? Json::array({faults}) : faults;
  if (!list.is_array()) return wrong_fault("faults", "an array of objects");
  std::vector<Armed> read;
  for (const Json& one : list) {
    auto fault = read_fault(one);
    if (!fault) return fault.error();
    read.push_back(Armed{std::move(*fault)});
  }
  const std::lock_guard lock(mutex_);
  if (armed_.size() + read.size() > kMaxFaults) {
    return wrong_fault("faults", fmt::format("at most {} at a time", kMaxFaults));
  }
  std::ranges::move(read, std::back_inserter(armed_));
  return read.size();
}

void Faults::clear() {
  const std::lock_guard lock(mutex_);
  armed_.clear();
}

OrderedJson Faults::list() const {
  const std::lock_guard lock(mutex_);
  OrderedJson list = OrderedJson::array();
  for (const Armed& armed : armed_) list.push_back(to_json(armed.fault));
  return list;
}

template <class Fits>
std::optional<Fault> Faults::take(Fits fits) {
  const std::lock_guard lock(mutex_);
  for (auto armed = armed_.begin(); armed != armed_.end(); ++armed) {
    if (!fits(armed->fault)) continue;
    if (++armed->seen < armed->fault.every) continue;
    armed->seen = 0;
    const Fault fault = armed->fault;
    const bool used_up = armed->fault.count > 0 && --armed->fault.count == 0;
    if (used_up) armed_.erase(armed);
    return fault;
  }
  return std::nullopt;
}

std::optional<Fault> Faults::match(std::string_view method, std::string_view path) {
  return take([&](const Fault& fault) {
    return place_of(fault.what) == At::request && glob_fits(fault.method, method) &&
           glob_fits(fault.path, path);
  });
}

std::optional<Fault> Faults::match_delivery(std::string_view event_type,
                                            std::string_view url_path) {
  return take([&](const Fault& fault) {
    return place_of(fault.what) == At::delivery && glob_fits(fault.type, event_type) &&
           glob_fits(fault.path, url_path);
  });
}

bool Faults::match_twin(std::string_view event_type) {
  return take([&](const Fault& fault) {
           return place_of(fault.what) == At::event && glob_fits(fault.type, event_type);
         })
      .has_value();
}

http::Reply fault_reply(const Fault& fault) {
  OrderedJson error;
  if (!fault.code.empty()) error["code"] = fault.code;
  error["message"] = fault.message.empty() ? default_message(fault) : fault.message;
  error["type"] = fault.status == 402   ? "card_error"
                  : fault.status >= 500 ? "api_error"
                                        : "invalid_request_error";
  http::Reply reply;
  reply.status = fault.status;
  reply.body = fault.body.value_or(dump(OrderedJson{{"error", std::move(error)}}));
  if (!fault.reason.empty()) reply.headers.emplace_back("Stripe-Rate-Limited-Reason", fault.reason);
  if (fault.should_retry) {
    reply.headers.emplace_back("Stripe-Should-Retry", *fault.should_retry ? "true" : "false");
  }
  if (fault.retry_after) {
    reply.headers.emplace_back("Retry-After", std::to_string(*fault.retry_after));
  }
  return reply;
}

}  // namespace payoutd::sim
