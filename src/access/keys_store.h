// The SQL of API keys.
#pragma once

#include "access/keys.h"

namespace payoutd::access::keys_store {

// Returns nothing when `expires_at` has passed by the database's clock.
std::optional<ApiKey> insert(pg::Tx& tx, OrgId organization, const KeyRequest& request,
                             const std::string& prefix, const std::string& hash);
std::optional<ApiKey> find(pg::Tx& tx, OrgId organization, ApiKeyId id);
// Newest first, from `page` on; at most one more than its limit, which says whether there are more.
std::vector<ApiKey> list(pg::Tx& tx, OrgId organization, const http::Page& page,
                         std::optional<ApiKeyId> before);
std::int64_t count(pg::Tx& tx, OrgId organization);
ApiKey revoke(pg::Tx& tx, OrgId organization, ApiKeyId id, std::string_view revoked_by);
// Whether an admin key other than `id` may be used now. Lock the organization first.
bool has_other_admin(pg::Tx& tx, OrgId organization, ApiKeyId id);

struct Stored {
  KnownKey key;
  std::string hash;
  bool revoked = false;
  bool expired = false;
  std::optional<std::int64_t> expires_in_ms{};
  bool use_is_stale = false;  // last_used_at is more than a minute back
};
std::optional<Stored> by_hash(pg::Tx& tx, const std::string& hash);
void note_use(pg::Tx& tx, const KnownKey& key);

}  // namespace payoutd::access::keys_store
