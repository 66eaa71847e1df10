#include "access/keys_api.h"

#include "access/principal.h"
#include "http/params.h"
#include "http/schema.h"

namespace payoutd::access {
namespace {

namespace is = http::schema;

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
  const auto page = http::page_of(request);
  if (!page) return http::error_reply(page.error(), request.request_id);
  const auto found = keys.list(principal(request).organization, *page);
  if (!found) return http::error_reply(found.error(), request.request_id);
  return http::Reply::json(200, to_json(*found, [](const ApiKey& key) { return to_json(key); }));
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
  if (auto error = http::Fields::of_body(request).done()) return answer(*error, request);
  const auto id = id_in(request);
  if (!id) return answer(id.error(), request);
  const Principal& who = principal(request);
  return answer(keys.revoke(who.organization, *id, who.actor), request);
}

Json role_schema() {
  return is::word("What the key may do.", {"viewer", "operator", "approver", "admin", "system"});
}

// With the key's text where the answer has it.
Json key_schema(bool with_text = false) {
  Json fields{{"id", is::uuid("Ours.")},
              {"name", is::text("What its maker called it.")},
              {"role", role_schema()},
              {"prefix", is::text("How the key begins.")},
              {"created", is::time("When it was made.")},
              {"created_by", is::text("The actor who made it.")},
              {"last_used_at", is::or_null(is::time("To about a minute."))},
              {"expires_at", is::or_null(is::time("From then on it is refused; null: never."))},
              {"revoked_at", is::or_null(is::time("From then on it is refused."))},
              {"revoked_by", is::or_null(is::text("The actor who revoked it."))}};
  if (with_text)
    fields["key"] = is::or_null(is::text("Shown this once: null when the answer is replayed."));
  return is::object(std::move(fields));
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

http::Docs create_docs() {
  http::Docs docs{"Make an API key", "keys"};
  Json name = is::text("For people.");
  name["minLength"] = 1;
  name["maxLength"] = 100;
  const Json body =
      is::object({{"name", name},
                  {"role", role_schema()},
                  {"expires_at", is::or_null(is::time("In the future; null: never."))}},
                 {"expires_at"});
  docs.request_body = is::body(body, {{"name", "night shift"}, {"role", "operator"}});
  Json example = key_example();
  example["key"] = "pk_payoutd_Ab3x…";
  docs.responses["201"] = is::answer("The key, with its text.", key_schema(true), example);
  docs.responses["422"] = is::refusal("A field is wrong or missing; every one is in `details`.",
                                      {Kind::unprocessable,
                                       "validation_error",
                                       "name is missing",
                                       "name",
                                       {{"name", "required", "name is missing"}}});
  return docs;
}

http::Docs list_docs() {
  http::Docs docs{"List API keys, newest first", "keys"};
  docs.parameters = http::page_parameters();
  docs.responses["200"] = is::answer(
      "One page.", is::page(key_schema()),
      {{"data", Json::array({key_example()})}, {"has_more", false}, {"next_cursor", nullptr}});
  return docs;
}

http::Docs docs_of_one(const char* summary) {
  http::Docs docs{summary, "keys"};
  docs.responses["200"] = is::answer("The key, without its text.", key_schema(), key_example());
  return docs;
}

http::Docs revoke_docs() {
  http::Docs docs = docs_of_one("Revoke an API key");
  docs.responses["409"] =
      is::refusal("It is the organization's last admin key.",
                  {Kind::refused, "last_admin_key",
                   "this is the organization's last admin key: make another before revoking it"});
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
      {"DELETE", "/api/keys/:id", "admin", with(revoke), revoke_docs()},
  };
}

}  // namespace payoutd::access
