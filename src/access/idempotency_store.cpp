#include "access/idempotency_store.h"

#include <algorithm>

namespace payoutd::access::idempotency_store {
namespace {

const pg::Query kClaimKey{"claim_idempotency_key", R"sql(
  INSERT INTO idempotency_keys
    (organization_id, key, id, fingerprint, route, kept_for_ever, run, lease_until)
  VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8::bigint * interval '1 millisecond')
  ON CONFLICT (organization_id, key) DO NOTHING)sql"};

const pg::Query kLockKey{"lock_idempotency_key", R"sql(
  SELECT id, fingerprint, route, state, run, status, content_type, headers, body, runs,
         greatest(ceil(extract(epoch FROM lease_until - clock_timestamp())), 0)::bigint
           AS seconds_left
    FROM idempotency_keys WHERE organization_id = $1 AND key = $2 FOR UPDATE)sql"};

const pg::Query kTakeOverKey{"take_over_idempotency_key", R"sql(
  UPDATE idempotency_keys
     SET run = $3, runs = runs + 1,
         lease_until = clock_timestamp() + $4::bigint * interval '1 millisecond'
   WHERE organization_id = $1 AND key = $2)sql"};

const pg::Query kFinishKey{"finish_idempotency_key", R"sql(
  UPDATE idempotency_keys
     SET state = 'done', status = $4, content_type = $5, headers = $6, body = $7,
         finished_at = clock_timestamp()
   WHERE organization_id = $1 AND key = $2 AND run = $3)sql"};

const pg::Query kDropKey{"drop_idempotency_key", R"sql(
  DELETE FROM idempotency_keys
   WHERE organization_id = $1 AND key = $2 AND run = $3 AND state = 'running')sql"};

const pg::Query kEndLease{"end_idempotency_lease", R"sql(
  UPDATE idempotency_keys SET lease_until = clock_timestamp()
   WHERE organization_id = $1 AND key = $2 AND run = $3 AND state = 'running')sql"};

const pg::Query kRenewLeases{"renew_idempotency_leases", R"sql(
  UPDATE idempotency_keys k
     SET lease_until = clock_timestamp() + $4::bigint * interval '1 millisecond'
    FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS r (organization_id, key, run)
   WHERE k.organization_id = r.organization_id AND k.key = r.key AND k.run = r.run
     AND k.state = 'running')sql"};

// A running row of that age was abandoned. Rows that this statement locked stay where they are:
// they are deleted by their place, for by their keys the whole table might be read to find them.
const pg::Query kPurgeKeys{"purge_idempotency_keys", R"sql(
  DELETE FROM idempotency_keys
   WHERE ctid = ANY (ARRAY(
     SELECT ctid FROM idempotency_keys
      WHERE NOT kept_for_ever AND created_at < now() - $1::integer * interval '1 day'
        AND (state = 'done' OR lease_until < now())
      ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)))sql",
                           pg::Tenancy::global};

StoredReply reply_in(const pg::Row& row) {
  return {row.get<std::int32_t>("status"), row.get<std::string>("content_type"),
          row.get<Json>("headers"), row.get<std::string>("body")};
}

}  // namespace

std::optional<ClaimAnswer> claim(pg::Tx& tx, const KeyClaim& wanted, std::int64_t lease_ms) {
  const auto inserted =
      tx.exec(kClaimKey, wanted.organization, wanted.key, wanted.id, pg::Bytes{wanted.fingerprint},
              wanted.route, wanted.kept_for_ever, wanted.run, lease_ms);
  if (inserted.affected() == 1) {
    return ClaimedKey{wanted.organization, wanted.key, wanted.id, wanted.run, false};
  }
  const auto row = tx.exec(kLockKey, wanted.organization, wanted.key).maybe();
  if (!row) return std::nullopt;
  if (row->get<pg::Bytes>("fingerprint").value != wanted.fingerprint) {
    return KeyReused{row->get<std::string>("route")};
  }
  if (row->get<std::string>("state") == "done") return reply_in(*row);
  ClaimedKey claimed{wanted.organization, wanted.key, row->get<Uuid>("id"), wanted.run, true};
  // Our own claim, whose commit was in doubt.
  if (row->get<Uuid>("run") == wanted.run) {
    claimed.resumed = row->get<std::int32_t>("runs") > 1;
    return claimed;
  }
  const auto seconds_left = row->get<std::int64_t>("seconds_left");
  if (seconds_left > 0) return KeyInUse{static_cast<int>(seconds_left)};
  tx.exec(kTakeOverKey, wanted.organization, wanted.key, wanted.run, lease_ms);
  return claimed;
}

bool finish(pg::Tx& tx, const ClaimedKey& key, const StoredReply& reply) {
  return tx.exec(kFinishKey, key.organization, key.key, key.run, reply.status, reply.content_type,
                 reply.headers, reply.body)
             .affected() == 1;
}

void drop(pg::Tx& tx, const ClaimedKey& key) {
  tx.exec(kDropKey, key.organization, key.key, key.run);
}

void end_lease(pg::Tx& tx, const ClaimedKey& key) {
  tx.exec(kEndLease, key.organization, key.key, key.run);
}

void renew(pg::Tx& tx, const std::vector<ClaimedKey>& keys, std::int64_t lease_ms) {
  pg::Array<OrgId> organizations;
  pg::Array<std::string> names;
  pg::Array<Uuid> runs;
  for (const ClaimedKey& key : keys) {
    organizations.add(key.organization);
    names.add(key.key);
    runs.add(key.run);
  }
  tx.exec(kRenewLeases, organizations, names, runs, lease_ms);
}

std::int64_t purge(pg::Tx& tx, int days, std::int64_t limit) {
  return static_cast<std::int64_t>(tx.exec(kPurgeKeys, days, limit).affected());
}

}  // namespace payoutd::access::idempotency_store
