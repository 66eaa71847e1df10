#include "http/openapi.h"

#include <algorithm>

namespace payoutd::http {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
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
    parameters.push_back(
        {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  for (const Json& one : route.docs.parameters) parameters.push_back(OrderedJson::parse(dump(one)));
  if (route.method == "POST" && !route.access.empty()) {
    parameters.push_back({{"$ref", "#/components/parameters/IdempotencyKey"}});
  }
  return parameters;
}

OrderedJson error_ref(const char* name) {
  return {{"$ref", std::string("#/components/responses/") + name}};
}

OrderedJson responses_of(const Route& route, bool has_path_names) {
  std::map<std::string, OrderedJson> responses;
  responses.emplace("400", error_ref("Invalid"));
  if (!route.access.empty()) {
    responses.emplace("401", error_ref("Unauthorized"));
    responses.emplace("403", error_ref("Forbidden"));
  }
  if (has_path_names) responses.emplace("404", error_ref("NotFound"));
  responses.emplace("500", error_ref("Failed"));
  responses.emplace("503", error_ref("Unavailable"));
  for (const auto& [status, response] : route.docs.responses.items()) {
    responses[status] = OrderedJson::parse(dump(response));
  }
  if (route.docs.responses.empty()) responses["200"] = {{"description", "Done."}};
  OrderedJson out = OrderedJson::object();
  for (auto& [status, response] : responses) out[status] = std::move(response);
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
    operation["requestBody"] = OrderedJson::parse(dump(route.docs.request_body));
  }
  operation["responses"] = responses_of(route, !path_names.empty());
  return operation;
}

OrderedJson error_response(int status, const char* description, const Error& error) {
  const Reply example = error_reply(status, error, "req_1Kd9");
  return {{"description", description},
          {"headers", {{"X-Request-Id", {{"schema", {{"type", "string"}}}}}}},
          {"content",
           {{"application/json",
             {{"schema", {{"$ref", "#/components/schemas/Error"}}},
              {"example", OrderedJson::parse(example.body)}}}}}};
}

OrderedJson error_schema() {
  const OrderedJson text{{"type", "string"}};
  const OrderedJson text_or_null{{"type", {"string", "null"}}};
  const OrderedJson detail{{"type", "object"},
                           {"properties", {{"param", text}, {"code", text}, {"message", text}}}};
  const OrderedJson types{{"type", "string"},
                          {"enum",
                           {"invalid_request_error", "authentication_error", "permission_error",
                            "not_found_error", "conflict_error", "rate_limit_error", "api_error"}}};
  const OrderedJson error{{"type", "object"},
                          {"required", {"type", "code", "message", "param", "details", "request_id"}},
                          {"properties",
                           {{"type", types},
                            {"code", text},
                            {"message", text},
                            {"param", text_or_null},
                            {"details", {{"type", "array"}, {"items", detail}}},
                            {"request_id", text}}}};
  return {{"type", "object"}, {"required", {"error"}}, {"properties", {{"error", error}}}};
}

OrderedJson components() {
  OrderedJson responses;
  responses["Invalid"] = error_response(
      400, "The request can't be read; every field that is wrong is in `details`.",
      {Kind::invalid, "parameter_invalid", "limit: must be a whole number from 1 to 100", "limit",
       {{"limit", "parameter_invalid", "must be a whole number from 1 to 100"}}});
  responses["Unauthorized"] = error_response(
      401, "No key, or one that is not valid.", {Kind::unauthorized, "key_missing", "give a key"});
  responses["Forbidden"] = error_response(
      403, "The key's role does not allow it.",
      {Kind::forbidden, "role_forbids", "a viewer only reads"});
  responses["NotFound"] = error_response(
      404, "There is no such object in this organization.",
      {Kind::missing, "not_found", "no such payout"});
  responses["Failed"] = error_response(
      500, "Something went wrong on our side; the log knows it by the request id.",
      {Kind::retry, "internal", "something went wrong on our side"});
  responses["Unavailable"] = error_response(
      503, "The same request may work later; see Retry-After.",
      {Kind::retry, "overloaded", "there is too much to do now; try again"});
  const OrderedJson key{{"name", "Idempotency-Key"},
                        {"in", "header"},
                        {"required", false},
                        {"description", "The same key and body give the same answer again."},
                        {"schema", {{"type", "string"}, {"maxLength", 255}}}};
  return {{"securitySchemes", {{"key", {{"type", "http"}, {"scheme", "bearer"}}}}},
          {"parameters", {{"IdempotencyKey", key}}},
          {"schemas", {{"Error", error_schema()}}},
          {"responses", responses}};
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
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", title.title}, {"version", title.version}, {"description", title.description}}},
          {"paths", std::move(paths)},
          {"components", components()}};
}

}  // namespace payoutd::http
