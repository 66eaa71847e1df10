#include "access/keys_store.h"

namespace payoutd::access::keys_store {
namespace {

using pg::Tenancy;

const pg::Query kInsertKey{"insert_api_key", R"sql(
  INSERT INTO api_keys (organization_id, id, name, role, prefix, key_sha256, created_by, expires_at)
  SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::bytea, $7::text,
         $8::timestamptz
   WHERE $8::timestamptz IS NULL OR $8::timestamptz > now()
  RETURNING organization_id, id, name, role, prefix, created_at, created_by, last_used_at,
            expires_at, revoked_at, revoked_by)sql"};

const pg::Query kFindKey{"find_api_key", R"sql(
  SELECT organization_id, id, name, role, prefix, created_at, created_by, last_used_at, expires_at,
         revoked_at, revoked_by
    FROM api_keys WHERE organization_id = $1 AND id = $2)sql"};

const pg::Query kListKeys{"list_api_keys", R"sql(
  SELECT organization_id, id, name, role, prefix, created_at, created_by, last_used_at, expires_at,
         revoked_at, revoked_by
    FROM api_keys
   WHERE organization_id = $1 AND ($2::uuid IS NULL OR id < $2)
   ORDER BY id DESC LIMIT $3 OFFSET $4)sql"};

const pg::Query kCountKeys{"count_api_keys", R"sql(
  SELECT count(*) AS count FROM api_keys WHERE organization_id = $1)sql"};

const pg::Query kRevokeKey{"revoke_api_key", R"sql(
  UPDATE api_keys SET revoked_at = now(), revoked_by = $3
   WHERE organization_id = $1 AND id = $2
  RETURNING organization_id, id, name, role, prefix, created_at, created_by, last_used_at,
            expires_at, revoked_at, revoked_by)sql"};

const pg::Query kHasOtherAdmin{"has_other_admin_key", R"sql(
  SELECT EXISTS (SELECT FROM api_keys
                  WHERE organization_id = $1 AND id <> $2 AND role = 'admin'
                    AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))
         AS found)sql"};

const pg::Query kKeyByHash{"api_key_by_hash", R"sql(
  SELECT organization_id, id, name, role, key_sha256,
         revoked_at IS NOT NULL AS revoked,
         coalesce(expires_at <= now(), false) AS expired,
         (extract(epoch FROM expires_at - now()) * 1000)::bigint AS expires_in_ms,
         coalesce(last_used_at < now() - interval '1 minute', true) AS use_is_stale
    FROM api_keys WHERE key_sha256 = $1)sql",
                           pg::Tenancy::global};

// The condition stands here too, so that of many requests at once one writes.
const pg::Query kNoteUse{"note_api_key_use", R"sql(
  UPDATE api_keys SET last_used_at = now()
   WHERE organization_id = $1 AND id = $2
     AND coalesce(last_used_at < now() - interval '1 minute', true))sql"};

Role role_of(const pg::Row& row) {
  const auto role = parse_role(row.get<std::string>("role"));
  CHECK(role.has_value());
  return *role;
}

ApiKey read(const pg::Row& row) {
  ApiKey key;
  key.id = row.get<ApiKeyId>("id");
  key.organization = row.get<OrgId>("organization_id");
  key.name = row.get<std::string>("name");
  key.role = role_of(row);
  key.prefix = row.get<std::string>("prefix");
  key.created_at = row.get<Time>("created_at");
  key.created_by = row.get<std::string>("created_by");
  key.last_used_at = row.get<std::optional<Time>>("last_used_at");
  key.expires_at = row.get<std::optional<Time>>("expires_at");
  key.revoked_at = row.get<std::optional<Time>>("revoked_at");
  key.revoked_by = row.get<std::optional<std::string>>("revoked_by");
  return key;
}

}  // namespace

std::optional<ApiKey> insert(pg::Tx& tx, OrgId organization, const KeyRequest& request,
                             const std::string& prefix, const std::string& hash) {
  const auto row =
      tx.exec(kInsertKey, organization, ApiKeyId::make(), request.name, name_of(request.role),
              prefix, pg::Bytes{hash}, request.created_by, request.expires_at)
          .maybe();
  if (!row) return std::nullopt;
  return read(*row);
}

std::optional<ApiKey> find(pg::Tx& tx, OrgId organization, ApiKeyId id) {
  const auto row = tx.exec(kFindKey, organization, id).maybe();
  if (!row) return std::nullopt;
  return read(*row);
}

std::vector<ApiKey> list(pg::Tx& tx, OrgId organization, const http::Page& page,
                         std::optional<ApiKeyId> before) {
  std::vector<ApiKey> keys;
  for (const pg::Row row : tx.exec(kListKeys, organization, before, page.limit + 1, page.offset)) {
    keys.push_back(read(row));
  }
  return keys;
}

std::int64_t count(pg::Tx& tx, OrgId organization) {
  return tx.exec(kCountKeys, organization).one().get<std::int64_t>("count");
}

ApiKey revoke(pg::Tx& tx, OrgId organization, ApiKeyId id, std::string_view revoked_by) {
  return read(tx.exec(kRevokeKey, organization, id, revoked_by).one());
}

bool has_other_admin(pg::Tx& tx, OrgId organization, ApiKeyId id) {
  return tx.exec(kHasOtherAdmin, organization, id).one().get<bool>("found");
}

std::optional<Stored> by_hash(pg::Tx& tx, const std::string& hash) {
  const auto row = tx.exec(kKeyByHash, pg::Bytes{hash}).maybe();
  if (!row) return std::nullopt;
  Stored stored;
  stored.key = {row->get<OrgId>("organization_id"), row->get<ApiKeyId>("id"),
                row->get<std::string>("name"), role_of(*row)};
  stored.hash = row->get<pg::Bytes>("key_sha256").value;
  stored.revoked = row->get<bool>("revoked");
  stored.expired = row->get<bool>("expired");
  stored.expires_in_ms = row->get<std::optional<std::int64_t>>("expires_in_ms");
  stored.use_is_stale = row->get<bool>("use_is_stale");
  return stored;
}

void note_use(pg::Tx& tx, const KnownKey& key) { tx.exec(kNoteUse, key.organization, key.id); }

}  // namespace payoutd::access::keys_store
