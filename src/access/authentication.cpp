#include "access/authentication.h"

#include <algorithm>
#include <cctype>

#include "base/ascii.h"
#include "base/check.h"

namespace payoutd::access {
namespace {

Error missing_key() {
  return {Kind::unauthorized, "api_key_missing",
          "this needs an API key: send \"Authorization: Bearer pk_payoutd_…\""};
}

// The values of a header that may stand once: more than one is never an accident.
std::vector<std::string_view> values_of(const http::Request& request, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [header, value] : request.headers) {
    if (header == name) values.push_back(value);
  }
  return values;
}

Result<Secret> key_in(const http::Request& request) {
  const auto values = values_of(request, "authorization");
  if (values.empty()) return missing_key();
  if (values.size() > 1) {
    return Error{Kind::unauthorized, "api_key_invalid", "more than one Authorization header"};
  }
  const std::string_view value = values.front();
  const auto space = value.find(' ');
  if (space == std::string_view::npos || !equal_in_any_case(value.substr(0, space), "bearer"))
    return missing_key();
  const auto start = value.find_first_not_of(' ', space);
  if (start == std::string_view::npos) return missing_key();
  return Secret(std::string(value.substr(start)));
}

Result<std::string> actor_of(const http::Request& request, const KnownKey& key) {
  const auto names = values_of(request, "x-payoutd-actor");
  if (names.empty()) return "key:" + key.id.str();
  if (key.role != Role::system) {
    return Error{Kind::forbidden, "actor_not_allowed",
                 "only a system key may name a person in X-Payoutd-Actor"};
  }
  if (names.size() > 1 || !valid_actor(names.front())) {
    return Error{Kind::invalid, "actor_invalid",
                 "X-Payoutd-Actor is one name: 1 to 128 of A-Z a-z 0-9 . _ - + @ : /"};
  }
  return "user:" + std::string(names.front());
}

Result<Principal> authenticate(Keys& keys, const http::Request& request, Right right) {
  const auto text = key_in(request);
  if (!text) return text.error();
  const auto key = keys.look_up(*text);
  if (!key) return key.error();
  if (auto allowed = require_right(key->role, right); !allowed) return allowed.error();
  const auto actor = actor_of(request, *key);
  if (!actor) return actor.error();
  return Principal{key->organization, key->id, key->role, *actor};
}

}  // namespace

http::Authenticator authenticator(Keys& keys) {
  return [&keys](http::Request& request, const http::Route& route) -> std::optional<http::Reply> {
    const auto right = parse_right(route.access);
    CHECK(right.has_value());
    auto found = authenticate(keys, request, *right);
    if (!found) return http::error_reply(found.error(), request.request_id);
    set_principal(request, *std::move(found));
    return std::nullopt;
  };
}

}  // namespace payoutd::access
