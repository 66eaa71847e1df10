// API keys: made, listed, revoked, and found by their text. The text is shown once, when the key is
// made; only its hash is stored.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/key_cache.h"
#include "access/role.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/page.h"
#include "pg/database.h"

namespace payoutd::access {

struct ApiKey {
  ApiKeyId id;
  OrgId organization;
  std::string name;
  Role role = Role::viewer;
  std::string prefix;  // "pk_payoutd_Ab3x", by which people tell keys apart
  Time created_at;
  std::string created_by;
  std::optional<Time> last_used_at{};  // to the minute
  std::optional<Time> expires_at{};
  std::optional<Time> revoked_at{};
  std::optional<std::string> revoked_by{};
};

struct CreatedKey {
  ApiKey key;
  Secret text;
};

struct KeyRequest {
  std::string name;  // 1 to 100 characters, for people
  Role role = Role::viewer;
  std::string created_by;  // an actor
  std::optional<Time> expires_at{};
};

class Keys {
 public:
  // A key that another instance revoked works here for at most `cache_ms` longer; one that this
  // instance revoked stops at once.
  explicit Keys(pg::Database& db, int cache_ms = 2'000) : db_(db), cache_ms_(cache_ms) {}

  // Errors: 422 `key_name_invalid`, `expires_at_past`; 404 `organization_not_found`.
  Result<CreatedKey> create(OrgId organization, const KeyRequest& request);

  // Newest first, revoked ones too. Error: 400 `invalid_cursor`.
  Result<http::PageOf<ApiKey>> list(OrgId organization, const http::Page& page);

  // Error: 404 `key_not_found`, another organization's key included.
  Result<ApiKey> find(OrgId organization, ApiKeyId id);

  // A revoked key stays revoked: asking again answers the same. Errors: 404 `key_not_found`;
  // 409 `last_admin_key`, since nobody could make another.
  Result<ApiKey> revoke(OrgId organization, ApiKeyId id, std::string_view revoked_by);

  // Finds the key's organization and role. Errors: 401 `api_key_invalid`, `api_key_revoked`,
  // `api_key_expired`. Throws pg::Lost when the database is needed and away.
  Result<KnownKey> look_up(const Secret& text);

 private:
  Result<KnownKey> look_up_stored(const std::string& hash);
  void note_use(const KnownKey& key);

  pg::Database& db_;
  int cache_ms_;
  KeyCache cache_;
  log::Repeated failing_;
};

}  // namespace payoutd::access
