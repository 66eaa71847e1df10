#include "http/message.h"

#include <algorithm>

namespace payoutd::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::optional<std::string_view> first_of(const Pairs& pairs, std::string_view name) {
  const auto found = std::ranges::find(pairs, name, &Pairs::value_type::first);
  if (found == pairs.end()) return std::nullopt;
  return found->second;
}

const char* type_of(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 409: return "conflict_error";
    case 429: return "rate_limit_error";
    default: return status < 500 ? "invalid_request_error" : "api_error";
  }
}

OrderedJson text_or_null(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

}  // namespace

std::optional<std::string_view> Request::header(std::string_view lower_case_name) const {
  return first_of(headers, lower_case_name);
}

bool prefers_async(const Request& request) {
  const auto prefer = request.header("prefer");
  return prefer && prefer->find("respond-async") != std::string_view::npos;
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  return first_of(query, name);
}

std::string_view Request::param(std::string_view name) const {
  const auto found = params.find(name);
  CHECK(found != params.end());
  return found->second;
}

Reply Reply::json(int status, const OrderedJson& body) {
  Reply reply;
  reply.status = status;
  reply.body = dump(body);
  return reply;
}

Reply Reply::json(int status, const Json& body) {
  Reply reply;
  reply.status = status;
  reply.body = dump(body);
  return reply;
}

Reply Reply::text(int status, std::string body, std::string content_type) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  reply.content_type = std::move(content_type);
  return reply;
}

Reply&& Reply::with(std::string name, std::string value) && {
  headers.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

int status_of(Kind kind) {
  switch (kind) {
    case Kind::invalid: return 400;
    case Kind::unprocessable: return 422;
    case Kind::unauthorized: return 401;
    case Kind::forbidden: return 403;
    case Kind::missing: return 404;
    case Kind::refused: return 409;
    case Kind::limited: return 429;
    case Kind::upstream: return 502;
    case Kind::retry: return 503;
  }
  return 500;
}

Reply error_reply(const Error& error, std::string_view request_id) {
  return error_reply(status_of(error.kind), error, request_id);
}

Reply error_reply(int status, const Error& error, std::string_view request_id) {
  OrderedJson details = OrderedJson::array();
  for (const FieldError& field : error.details) {
    details.push_back({{"param", field.param}, {"code", field.code}, {"message", field.message}});
  }
  const OrderedJson body{{"type", type_of(status)},       {"code", error.code},
                         {"message", error.message},      {"param", text_or_null(error.param)},
                         {"details", std::move(details)}, {"request_id", request_id}};
  Reply reply = Reply::json(status, OrderedJson{{"error", body}});
  if (status == 429 || status == 503) reply.headers.emplace_back("Retry-After", "1");
  if (status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

}  // namespace payoutd::http
