#include "http/openapi.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/schema.h"

namespace payoutd::http {
namespace {

OrderedJson ordered(const Json& json) { return OrderedJson::parse(dump(json)); }

bool takes_idempotency_keys(const Route& route) {
  return route.method == "POST" && !route.access.empty();
}

// "/api/payouts/:id" as "/api/payouts/{id}", with the names on the way.
std::string templated(const std::string& pattern, std::vector<std::string>& names) {
  std::string path;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != ':' || pattern[i - 1] != '/') {
      path += pattern[i];
      continue;
    }
    const auto end = std::min(pattern.find('/', i), pattern.size());
    names.push_back(pattern.substr(i + 1, end - i - 1));
    path += "{" + names.back() + "}";
    i = end - 1;
  }
  return path;
}

bool documented(const Json& parameters, const std::string& name) {
  return std::ranges::any_of(parameters, [&](const Json& one) {
    return one.value("name", "") == name && one.value("in", "") == "path";
  });
}

OrderedJson parameters_of(const Route& route, const std::vector<std::string>& path_names) {
  OrderedJson parameters = OrderedJson::array();
  for (const std::string& name : path_names) {
    if (documented(route.docs.parameters, name)) continue;
    parameters.push_back({{"name", name},
                          {"in", "path"},
                          {"required", true},
                          {"description", "The " + name + " of the object."},
                          {"schema", {{"type", "string"}}}});
  }
  for (const Json& one : route.docs.parameters) parameters.push_back(ordered(one));
  // The rights that a system key has.
  const bool for_services = route.access == "read" || route.access == "system";
  if (for_services) parameters.push_back({{"$ref", "#/components/parameters/Actor"}});
  if (takes_idempotency_keys(route)) {
    parameters.push_back({{"$ref", "#/components/parameters/IdempotencyKey"}});
  }
  return parameters;
}

bool names_an_account(const Route& route) {
  return std::ranges::any_of(route.docs.parameters,
                             [](const Json& one) { return one.value("name", "") == "account"; });
}

// What can be answered beside what the route's own docs say.
std::map<std::string, OrderedJson> shared_responses(const Route& route, bool has_path_names) {
  std::map<std::string, OrderedJson> responses;
  const auto add = [&](const char* status, const char* name) {
    responses.emplace(status, ordered(schema::shared(name)));
  };
  add("400", "Invalid");
  if (!route.access.empty()) add("401", "Unauthorized");
  if (!route.access.empty()) add("403", "Forbidden");
  if (has_path_names || names_an_account(route)) add("404", "NotFound");
  if (!route.docs.request_body.is_null()) add("413", "TooLarge");
  if (takes_idempotency_keys(route)) add("409", "InUse");
  if (takes_idempotency_keys(route)) add("422", "Reused");
  add("500", "Failed");
  add("503", "Unavailable");
  return responses;
}

OrderedJson headers_of(const Route& route) {
  OrderedJson headers{{"X-Request-Id", {{"$ref", "#/components/headers/RequestId"}}}};
  if (takes_idempotency_keys(route)) {
    headers["Idempotent-Replayed"] = {{"$ref", "#/components/headers/IdempotentReplayed"}};
  }
  return headers;
}

OrderedJson responses_of(const Route& route, bool has_path_names) {
  auto responses = shared_responses(route, has_path_names);
  for (const auto& [status, response] : route.docs.responses.items()) {
    responses[status] = ordered(response);
  }
  if (route.docs.responses.empty()) responses["200"] = {{"description", "Done."}};
  OrderedJson out = OrderedJson::object();
  for (auto& [status, response] : responses) {
    if (status < "300") response["headers"] = headers_of(route);
    out[status] = std::move(response);
  }
  return out;
}

OrderedJson operation(const Route& route, const std::vector<std::string>& path_names) {
  OrderedJson operation{{"operationId", operation_id(route)}, {"summary", route.docs.summary}};
  if (!route.docs.tag.empty()) operation["tags"] = {route.docs.tag};
  if (route.access.empty()) {
    operation["security"] = OrderedJson::array();
  } else {
    operation["security"] = OrderedJson::array({{{"key", OrderedJson::array()}}});
    operation["x-access"] = route.access;
  }
  operation["parameters"] = parameters_of(route, path_names);
  if (!route.docs.request_body.is_null()) {
    operation["requestBody"] = ordered(route.docs.request_body);
  }
  operation["responses"] = responses_of(route, !path_names.empty());
  return operation;
}

OrderedJson error_response(const char* description, const Error& example) {
  OrderedJson response = ordered(schema::refusal(description, example));
  response["headers"] = {{"X-Request-Id", {{"$ref", "#/components/headers/RequestId"}}}};
  return response;
}

Json error_schema() {
  namespace is = schema;
  const Json detail =
      is::object({{"param", is::text("The field, as the caller spells it: `splits[1].bps`.")},
                  {"code", is::text("Stable, for programs.")},
                  {"message", is::text("For people.")}});
  Json error = is::object(
      {{"type", is::word("The class of the status.",
                         {"invalid_request_error", "authentication_error", "permission_error",
                          "not_found_error", "conflict_error", "rate_limit_error", "api_error"})},
       {"code", is::text("Stable, for programs: `amount_too_large`.")},
       {"message", is::text("For people: what was given, what is allowed.")},
       {"param", is::or_null(is::text("The field, where there is one."))},
       {"details", is::array(detail, "Every field that is wrong, at once.")},
       {"request_id", is::text("As in X-Request-Id; the log knows it.")}});
  return is::object({{"error", std::move(error)}});
}

OrderedJson error_responses() {
  OrderedJson all;
  all["Invalid"] =
      error_response("The request can't be read; every field that is wrong is in `details`.",
                     {Kind::invalid,
                      "parameter_invalid",
                      "limit: must be a whole number from 1 to 100",
                      "limit",
                      {{"limit", "parameter_invalid", "must be a whole number from 1 to 100"}}});
  all["Unauthorized"] =
      error_response("No key, or one that is not valid.",
                     {Kind::unauthorized, "api_key_missing",
                      "this needs an API key: send \"Authorization: Bearer pk_payoutd_…\""});
  all["Forbidden"] = error_response("The key's role does not allow it.",
                                    {Kind::forbidden, "actor_not_allowed",
                                     "only a system key may name a person in X-Payoutd-Actor"});
  all["NotFound"] = error_response("There is no such object in this organization.",
                                   {Kind::missing, "payout_not_found", "no such payout"});
  all["InUse"] = error_response(
      "The same is under way: a request with this Idempotency-Key, or a sync of these accounts; "
      "see Retry-After.",
      {Kind::refused, "idempotency_key_in_use",
       "a request with this Idempotency-Key is still running: ask again"});
  all["Reused"] = error_response(
      "This Idempotency-Key belongs to a request with another body.",
      {Kind::unprocessable, "idempotency_key_reused",
       "this Idempotency-Key belongs to another request, a POST /api/payouts: a key is "
       "for one request, with one body"});
  all["TooLarge"] = error_response(
      "The body is larger than this route takes.",
      {Kind::invalid, "body_too_large", "the body must not have more than 65536 bytes"});
  all["Upstream"] =
      error_response("Stripe refused what the caller can't change: our key, its permissions.",
                     {Kind::upstream, "api_key_expired", "Expired API Key provided"});
  all["Failed"] =
      error_response("Something went wrong on our side; the log knows it by the request id.",
                     {Kind::retry, "internal", "something went wrong on our side"});
  all["Unavailable"] = error_response(
      "The same request may work later; see Retry-After. Where the database is the "
      "reason, the code begins with `database_`: `database_unavailable`, "
      "`database_busy`, `database_read_only`, `database_full` and others.",
      {Kind::retry, "overloaded", "there is too much to do now; try again"});
  return all;
}

OrderedJson header_parameter(const char* name, const char* about, std::size_t max_length) {
  return {{"name", name},
          {"in", "header"},
          {"required", false},
          {"description", about},
          {"schema", {{"type", "string"}, {"maxLength", max_length}}}};
}

OrderedJson header(const char* about) {
  return {{"description", about}, {"schema", {{"type", "string"}}}};
}

OrderedJson components() {
  return {{"securitySchemes", {{"key", {{"type", "http"}, {"scheme", "bearer"}}}}},
          {"parameters",
           {{"IdempotencyKey",
             header_parameter("Idempotency-Key",
                              "The same key and body give the same answer again.", 255)},
            {"Actor",
             header_parameter("X-Payoutd-Actor",
                              "The person who asks; only with a key of the role system.", 128)}}},
          {"headers",
           {{"RequestId", header("Names this request in the log.")},
            {"IdempotentReplayed",
             header("`true`: the answer of an earlier request with this Idempotency-Key.")}}},
          {"schemas", {{"Error", ordered(error_schema())}}},
          {"responses", error_responses()}};
}

}  // namespace

std::string operation_id(const Route& route) {
  std::string id = lower(route.method);
  std::string_view path = route.pattern;
  if (path.starts_with("/api/")) path.remove_prefix(4);
  for (const char c : path) {
    if (c == '/') id += '_';
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') id += c;
    if (c == '-' || c == '.') id += '_';
  }
  return id.ends_with('_') ? id + "root" : id;
}

OrderedJson openapi(const std::vector<Route>& routes, const ApiTitle& title) {
  OrderedJson paths = OrderedJson::object();
  for (const Route& route : routes) {
    std::vector<std::string> names;
    const std::string path = templated(route.pattern, names);
    paths[path][lower(route.method)] = operation(route, names);
  }
  return {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", title.title}, {"version", title.version}, {"description", title.description}}},
      {"paths", std::move(paths)},
      {"components", components()}};
}

}  // namespace payoutd::http
