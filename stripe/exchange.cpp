#include "stripe/exchange.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "stripe/document.h"

namespace payoutd::stripe {
namespace {

std::string with_query(std::string path, const Form& query) {
  if (query.empty()) return path;
  path += path.contains('?') ? '&' : '?';
  path += query.str();
  return path;
}

// Without NUL, which PostgreSQL can't keep: a refusal is written down.
std::string owned(simdjson::dom::object object, std::string_view name) {
  std::string text(text_at(object, name));
  std::erase(text, '\0');
  return text;
}

// Any of v1, and those that older versions answered. A gateway may write an `error` object as well.
bool is_stripes_type(std::string_view type) {
  static constexpr std::string_view kTypes[] = {"api_error",
                                                "card_error",
                                                "idempotency_error",
                                                "rate_limit_error",
                                                "invalid_request_error",
                                                "api_connection_error",
                                                "authentication_error"};
  return std::ranges::find(kTypes, type) != std::end(kTypes);
}

// Stripe has no such answers; proxies give them while Stripe may still be at work.
bool is_never_stripes(int status) { return status == 408 || status == 499; }

Kind kind_of(const StripeError& error) {
  if (error.type == "idempotency_error" || error.code == "idempotency_key_in_use")
    return Kind::retry;
  switch (error.status) {
    case 400:
    case 402: return Kind::unprocessable;
    // A path that Stripe does not know is a 404, too, and says nothing of an object.
    case 404: return error.code == "resource_missing" ? Kind::missing : Kind::upstream;
    case 409: return error.code.empty() ? Kind::retry : Kind::refused;
    case 429: return Kind::retry;
    default: return error.status >= 500 ? Kind::retry : Kind::upstream;
  }
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get: return "GET";
    case Method::post: return "POST";
    case Method::del: return "DELETE";
  }
  return "GET";
}

IdempotencyKey::IdempotencyKey(std::string value) : value_(std::move(value)) {
  CHECK(!value_.empty() && value_.size() <= 255);
  CHECK(std::ranges::all_of(value_, [](char c) { return c > ' ' && c < 0x7f; }));
}

Request Request::get(std::string path, const Form& query) {
  Request request;
  request.path = with_query(std::move(path), query);
  return request;
}

Request Request::post(std::string path, IdempotencyKey key, std::string form_body) {
  Request request;
  request.method = Method::post;
  request.path = std::move(path);
  request.key = key.str();
  request.body = std::move(form_body);
  request.retries = Retries::money();
  return request;
}

Request Request::del(std::string path, const Form& query) {
  Request request = get(std::move(path), query);
  request.method = Method::del;
  request.retries = Retries::money();
  return request;
}

Request&& Request::on(std::string account_id) && {
  account = std::move(account_id);
  return std::move(*this);
}
Request&& Request::with(Priority wanted) && {
  priority = wanted;
  return std::move(*this);
}
Request&& Request::with(Retries wanted) && {
  retries = wanted;
  return std::move(*this);
}
Request&& Request::with(std::chrono::milliseconds of_each_send) && {
  timeout = of_each_send;
  return std::move(*this);
}
Request&& Request::until(Instant latest) && {
  last_start = latest;
  return std::move(*this);
}
Request&& Request::earlier(History of_key) && {
  history = of_key;
  return std::move(*this);
}

std::optional<StripeError> parse_error(const Response& response) {
  if (is_never_stripes(response.status) || !response.request_id.starts_with("req_"))
    return std::nullopt;
  simdjson::dom::parser parser;
  const auto root = parse(parser, response.body);
  simdjson::dom::object body, fields;
  if (!root || root->get(body) != simdjson::SUCCESS) return std::nullopt;
  if (body["error"].get(fields) != simdjson::SUCCESS || !is_stripes_type(text_at(fields, "type")))
    return std::nullopt;
  StripeError error{.status = response.status,
                    .request_id = response.request_id,
                    .rate_limited_reason = response.rate_limited_reason,
                    .replayed = response.replayed};
  error.type = owned(fields, "type");
  error.code = owned(fields, "code");
  error.message = log::redact(owned(fields, "message"));
  error.param = owned(fields, "param");
  error.decline_code = owned(fields, "decline_code");
  return error;
}

Error to_error(const StripeError& error) {
  std::string code = error.code;
  if (error.status == 429 && code.empty()) code = "stripe_rate_limited";
  if (code.empty()) code = error.type.empty() ? "stripe_error" : error.type;
  std::string message = error.message.empty()
                            ? fmt::format("Stripe answered {} without a reason", error.status)
                            : error.message;
  if (!error.request_id.empty()) message += fmt::format(" ({})", error.request_id);
  return Error{kind_of(error), std::move(code), std::move(message), error.param};
}

}  // namespace payoutd::stripe
