#include "access/keys_api.h"

#include "access/principal.h"

namespace payoutd::access {
namespace {

OrderedJson or_null(const std::optional<Time>& time) {
  return time ? OrderedJson(to_iso(*time)) : OrderedJson(nullptr);
}

struct NewKey {
  std::string name;
  std::optional<Role> role{};
  std::optional<Time> expires_at{};
};

std::string role_names() {
  std::string names;
  for (const Role role : kRoles) {
    if (!names.empty()) names += ", ";
    names += name_of(role);
  }
  return names;
}

// Reads one field of the body, or adds what is wrong with it.
void read_field(const std::string& field, const Json& value, NewKey& into,
                std::vector<FieldError>& errors) {
  const auto* text = value.get_ptr<const std::string*>();
  if (field == "name") {
    if (text == nullptr) errors.push_back({field, "invalid_type", "name is a string"});
    else into.name = *text;
  } else if (field == "role") {
    into.role = text == nullptr ? std::nullopt : parse_role(*text);
    if (!into.role) errors.push_back({field, "invalid_role", "role is one of " + role_names()});
  } else if (field == "expires_at") {
    if (value.is_null()) return;
    const auto time = parse_time(text != nullptr ? *text : dump(value));
    if (time) into.expires_at = *time;
    else errors.push_back({field, time.error().code, time.error().message});
  } else {
    errors.push_back({field, "unknown_field", "a key has name, role and expires_at"});
  }
}

Result<NewKey> new_key_in(const http::Request& request) {
  const auto body = parse_json(request.body);
  if (!body) return body.error();
  if (!body->is_object()) {
    return Error{Kind::invalid, "invalid_json", "the body is a JSON object"};
  }
  NewKey wanted;
  std::vector<FieldError> errors;
  for (const auto& [field, value] : body->items()) read_field(field, value, wanted, errors);
  for (const char* field : {"name", "role"}) {
    if (body->contains(field)) continue;
    errors.push_back({field, "required", fmt::format("{} is missing", field)});
  }
  if (errors.empty()) return wanted;
  const FieldError first = errors.front();
  return Error{Kind::unprocessable, "validation_error", first.message, first.param,
               std::move(errors)};
}

OrderedJson to_json_with_text(const ApiKey& key, const OrderedJson& text) {
  OrderedJson json = to_json(key);
  json["key"] = text;
  return json;
}

http::Reply create(Keys& keys, http::Context& context) {
  const auto& request = context.request;
  const Principal& who = principal(request);
  const auto wanted = new_key_in(request);
  if (!wanted) return http::error_reply(wanted.error(), request.request_id);
  const auto created =
      keys.create(who.organization, {wanted->name, *wanted->role, who.actor, wanted->expires_at});
  if (!created) return http::error_reply(created.error(), request.request_id);
  keep_instead(request, dump(to_json_with_text(created->key, nullptr)));
  return http::Reply::json(201, to_json_with_text(created->key, created->text.reveal()))
      .with("Location", "/api/keys/" + created->key.id.str())
      .with("Cache-Control", "no-store");
}

http::Reply list(Keys& keys, http::Context& context) {
  const auto& request = context.request;
  const auto page = page_of(request);
  if (!page) return http::error_reply(page.error(), request.request_id);
  const auto found = keys.list(principal(request).organization, *page);
  if (!found) return http::error_reply(found.error(), request.request_id);
  return http::Reply::json(200,
                           to_json(*found, [](const ApiKey& key) { return to_json(key); }));
}

Result<ApiKeyId> id_in(const http::Request& request) {
  if (const auto id = ApiKeyId::parse(request.param("id"))) return *id;
  return Error{Kind::missing, "key_not_found", "no such key"};
}

http::Reply answer(const Result<ApiKey>& key, const http::Request& request) {
  if (!key) return http::error_reply(key.error(), request.request_id);
  return http::Reply::json(200, to_json(*key));
}

http::Reply show(Keys& keys, http::Context& context) {
  const auto& request = context.request;
  const auto id = id_in(request);
  if (!id) return answer(id.error(), request);
  return answer(keys.find(principal(request).organization, *id), request);
}

http::Reply revoke(Keys& keys, http::Context& context) {
  const auto& request = context.request;
  const auto id = id_in(request);
  if (!id) return answer(id.error(), request);
  const Principal& who = principal(request);
  return answer(keys.revoke(who.organization, *id, who.actor), request);
}

Json key_schema() {
  const Json text{{"type", "string"}};
  const Json time{{"type", {"string", "null"}}, {"format", "date-time"}};
  return {{"type", "object"},
          {"properties",
           {{"id", {{"type", "string"}, {"format", "uuid"}}},
            {"name", text},
            {"role", {{"type", "string"},
                      {"enum", {"viewer", "operator", "approver", "admin", "system"}}}},
            {"prefix", {{"type", "string"}, {"description", "How the key begins."}}},
            {"created", {{"type", "string"}, {"format", "date-time"}}},
            {"created_by", text},
            {"last_used_at", time},
            {"expires_at", time},
            {"revoked_at", time},
            {"revoked_by", {{"type", {"string", "null"}}}}}}};
}

Json key_example() {
  return {{"id", "019a9f3c-52c1-7b6e-8d0a-5f1c2e3d4b5a"},
          {"name", "night shift"},
          {"role", "operator"},
          {"prefix", "pk_payoutd_Ab3x"},
          {"created", "2026-03-01T09:30:00Z"},
          {"created_by", "key:019a9f3c-1111-7b6e-8d0a-5f1c2e3d4b5a"},
          {"last_used_at", nullptr},
          {"expires_at", nullptr},
          {"revoked_at", nullptr},
          {"revoked_by", nullptr}};
}

Json response(const char* about, const Json& schema, const Json& example) {
  return {{"description", about},
          {"content", {{"application/json", {{"schema", schema}, {"example", example}}}}}};
}

http::Docs create_docs() {
  Json schema = key_schema();
  schema["properties"]["key"] = {
      {"type", {"string", "null"}},
      {"description", "The key. Shown this once: null when the answer is replayed."}};
  Json example = key_example();
  example["key"] = "pk_payoutd_Ab3x…";
  http::Docs docs{"Make an API key", "Keys"};
  docs.request_body = {
      {"required", true},
      {"content",
       {{"application/json",
         {{"schema",
           {{"type", "object"},
            {"required", {"name", "role"}},
            {"additionalProperties", false},
            {"properties",
             {{"name", {{"type", "string"}, {"minLength", 1}, {"maxLength", 100}}},
              {"role", key_schema()["properties"]["role"]},
              {"expires_at", {{"type", {"string", "null"}}, {"format", "date-time"}}}}}}},
          {"example", {{"name", "night shift"}, {"role", "operator"}}}}}}}};
  docs.responses = {{"201", response("The key, with its text.", schema, example)}};
  return docs;
}

http::Docs list_docs() {
  http::Docs docs{"List API keys, newest first", "Keys"};
  docs.parameters = page_parameters();
  const Json schema{{"type", "object"},
                    {"properties",
                     {{"data", {{"type", "array"}, {"items", key_schema()}}},
                      {"has_more", {{"type", "boolean"}}},
                      {"next_cursor", {{"type", {"string", "null"}}}},
                      {"total", {{"type", "integer"}}}}}};
  docs.responses = {{"200", response("One page.", schema,
                                     {{"data", Json::array({key_example()})},
                                      {"has_more", false},
                                      {"next_cursor", nullptr}})}};
  return docs;
}

http::Docs docs_of_one(const char* summary) {
  http::Docs docs{summary, "Keys"};
  docs.responses = {{"200", response("The key, without its text.", key_schema(), key_example())}};
  return docs;
}

}  // namespace

OrderedJson to_json(const ApiKey& key) {
  return {{"id", key.id.str()},
          {"name", key.name},
          {"role", name_of(key.role)},
          {"prefix", key.prefix},
          {"created", to_iso(key.created_at)},
          {"created_by", key.created_by},
          {"last_used_at", or_null(key.last_used_at)},
          {"expires_at", or_null(key.expires_at)},
          {"revoked_at", or_null(key.revoked_at)},
          {"revoked_by", key.revoked_by ? OrderedJson(*key.revoked_by) : OrderedJson(nullptr)}};
}

std::vector<http::Route> keys_routes(Keys& keys) {
  const auto with = [&keys](http::Reply (*handle)(Keys&, http::Context&)) -> http::Handler {
    return [&keys, handle](http::Context& context) { return handle(keys, context); };
  };
  return {
      {"POST", "/api/keys", "admin", with(create), create_docs()},
      {"GET", "/api/keys", "admin", with(list), list_docs()},
      {"GET", "/api/keys/:id", "admin", with(show), docs_of_one("Show an API key")},
      {"DELETE", "/api/keys/:id", "admin", with(revoke), docs_of_one("Revoke an API key")},
  };
}

}  // namespace payoutd::access
