#include "http/router.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "http/params.h"

namespace payoutd::http {
namespace {

constexpr std::string_view kApi = "/api";

std::vector<std::string_view> segments_of(std::string_view pattern) {
  std::vector<std::string_view> segments;
  while (pattern.size() > 1) {
    pattern.remove_prefix(1);
    const auto slash = std::min(pattern.find('/'), pattern.size());
    CHECK(slash > 0);
    segments.push_back(pattern.substr(0, slash));
    pattern.remove_prefix(slash);
  }
  return segments;
}

// A route that documents no query parameter takes none: one that nobody reads would pass in
// silence.
std::optional<Error> needless_query(const Request& request, const Route& route) {
  const bool takes_some = std::ranges::any_of(
      route.docs.parameters, [](const Json& one) { return one.value("in", "") == "query"; });
  if (takes_some || request.query.empty()) return std::nullopt;
  return Fields::of_query(request).done();
}

}  // namespace

Hold Context::hold() {
  if (source_ == nullptr) return {};
  CHECK(!source_->held);
  source_->held = true;
  return {source_->mailbox, source_->ticket};
}

Router::Router()
    : nodes_(1), form_([](int status, const Error& error, std::string_view request_id) {
        return error_reply(status, error, request_id);
      }) {}

void Router::add(Route route) {
  CHECK(route.pattern.starts_with('/'));
  CHECK(route.handler != nullptr);
  routes_.push_back(std::move(route));
  const std::size_t index = routes_.size() - 1;
  const std::string pattern = routes_[index].pattern;
  insert(index, pattern, false);
  if (pattern.starts_with("/api/")) {
    insert(index, std::string_view(pattern).substr(kApi.size()), true);
  }
}

void Router::authenticate_with(Authenticator authenticator) {
  authenticator_ = std::move(authenticator);
}
void Router::wrap_with(Wrapper wrapper) { wrapper_ = std::move(wrapper); }
void Router::explain_with(Explainer explainer) { explainer_ = std::move(explainer); }
void Router::form_errors_with(ErrorForm form) { form_ = std::move(form); }

void Router::insert(std::size_t route, std::string_view pattern, bool without_api) {
  Entry entry{route, without_api, {}};
  std::size_t node = 0;
  for (const std::string_view segment : segments_of(pattern)) {
    if (segment.starts_with(':')) entry.names.emplace_back(segment.substr(1));
    node = child(node, segment);
  }
  auto& methods = nodes_[node].methods;
  const auto taken = methods.find(routes_[route].method);
  if (taken == methods.end()) {
    methods.emplace(routes_[route].method, std::move(entry));
  } else if (!without_api) {
    CHECK(taken->second.without_api);
    taken->second = std::move(entry);
  }
}

std::size_t Router::child(std::size_t node, std::string_view segment) {
  if (segment.starts_with(':')) {
    if (nodes_[node].any != 0) return nodes_[node].any;
    nodes_.emplace_back();
    return nodes_[node].any = nodes_.size() - 1;
  }
  const auto found = nodes_[node].fixed.find(segment);
  if (found != nodes_[node].fixed.end()) return found->second;
  nodes_.emplace_back();
  nodes_[node].fixed.emplace(segment, nodes_.size() - 1);
  return nodes_.size() - 1;
}

// Recursion is as deep as the deepest pattern, whatever the path.
const Router::Node* Router::find(std::size_t node, std::span<const std::string> segments,
                                 std::vector<std::string>& values) const {
  const Node& here = nodes_[node];
  if (segments.empty()) return here.methods.empty() ? nullptr : &here;
  const auto fixed = here.fixed.find(segments[0]);
  if (fixed != here.fixed.end()) {
    if (const Node* found = find(fixed->second, segments.subspan(1), values)) return found;
  }
  if (here.any == 0 || segments[0].empty()) return nullptr;
  values.push_back(segments[0]);
  if (const Node* found = find(here.any, segments.subspan(1), values)) return found;
  values.pop_back();
  return nullptr;
}

Router::Match Router::match(std::string_view method, std::span<const std::string> segments) const {
  std::vector<std::string> values;
  const Node* node = find(0, segments, values);
  if (node == nullptr) return {};
  auto entry = node->methods.find(method);
  if (entry == node->methods.end() && method == "HEAD") entry = node->methods.find("GET");
  Match match;
  if (entry == node->methods.end()) {
    for (const auto& [allowed, unused] : node->methods) {
      match.allow += (match.allow.empty() ? "" : ", ") + allowed;
      if (allowed == "GET") match.allow += ", HEAD";
    }
    return match;
  }
  match.route = &routes_[entry->second.route];
  CHECK(values.size() == entry->second.names.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    match.params.emplace(entry->second.names[i], std::move(values[i]));
  }
  return match;
}

Reply Router::run(Request& request, const Route& route, HoldSource& source) const {
  const log::Scope scope("request_id", request.request_id);
  Reply reply;
  try {
    return call(request, route, source);
  } catch (const std::exception& error) {
    reply = explain(error, request);
  } catch (...) {
    log::error("a handler threw what is no exception", {{"route", route.pattern}});
    reply = refuse(500, {Kind::retry, "internal", "something went wrong on our side"},
                   request.request_id);
  }
  source.held = false;  // the failure is told at once
  return reply;
}

Reply Router::call(Request& request, const Route& route, HoldSource& source) const {
  if (!route.access.empty()) {
    CHECK(authenticator_ != nullptr);
    if (auto ended = authenticator_(request, route)) return *std::move(ended);
    if (auto error = needless_query(request, route)) return error_reply(*error, request.request_id);
  }
  Context context(request, &source);
  if (wrapper_ != nullptr && route.runs != Runs::on_loop) {
    return wrapper_(context, route, route.handler);
  }
  return route.handler(context);
}

Reply Router::explain(const std::exception& error, const Request& request) const {
  log::error("a handler threw", {{"what", std::string_view(error.what())}});
  if (explainer_ != nullptr) {
    try {
      if (auto reply = explainer_(error, request)) return *std::move(reply);
    } catch (const std::exception& second) {
      log::error("explaining an exception threw", {{"what", std::string_view(second.what())}});
    }
  }
  return refuse(500, {Kind::retry, "internal", "something went wrong on our side"},
                request.request_id);
}

Reply Router::refuse(int status, const Error& error, std::string_view request_id) const {
  return form_(status, error, request_id);
}

}  // namespace payoutd::http
