#include "webhooks/unknown_store.h"

#include "webhooks/event_types.h"

namespace payoutd::webhooks::unknown_store {
namespace {

using pg::Tenancy;

// The platform's own account is named by '', too.
const pg::Query kKnown{"inbox_unknown_known", R"sql(
  SELECT o.id AS platform, a.organization_id, a.stripe_account_id, a.is_platform
    FROM organizations o CROSS JOIN connected_accounts a
   WHERE o.is_platform
     AND EXISTS (SELECT FROM inbox_unknown u
                  WHERE u.organization_id = o.id
                    AND u.account IN (a.stripe_account_id,
                                      CASE WHEN a.is_platform THEN '' ELSE a.stripe_account_id END))
   ORDER BY a.stripe_account_id)sql",
                       Tenancy::global};

// $1 keeps them, $3 and $4 own them; $5 types that are applied, $6 the mode that is.
const pg::Query kMove{"inbox_unknown_move", R"sql(
  WITH waiting AS (
    SELECT account, event_id, created FROM inbox_unknown
     WHERE organization_id = $1 AND account = ANY ($2::text[])
     ORDER BY account, event_id, created LIMIT $7 FOR UPDATE SKIP LOCKED),
  taken AS (
    DELETE FROM inbox_unknown u USING waiting w
     WHERE u.organization_id = $1 AND u.account = w.account AND u.event_id = w.event_id
       AND u.created = w.created
    RETURNING u.event_id, u.created),
  removed AS (
    DELETE FROM inbox i USING taken t
     WHERE i.organization_id = $1 AND i.event_id = t.event_id AND i.created = t.created
       AND i.disposition = 'unknown_account'
    RETURNING i.event_id, i.created, i.type, i.livemode, i.api_version, i.object_id, i.received_at,
              i.body),
  stored AS (
    INSERT INTO inbox (organization_id, event_id, created, account, type, livemode, api_version,
                       object_id, disposition, received_at, body)
    SELECT $3::uuid, event_id, created, $4::text, type, livemode, api_version, object_id,
           CASE WHEN livemode <> $6::bool THEN 'other_mode'
                WHEN type = ANY ($5::text[]) THEN 'apply' ELSE 'unhandled' END,
           received_at, body
      FROM removed ORDER BY event_id, created
    ON CONFLICT DO NOTHING
    RETURNING organization_id, event_id, created, disposition),
  queued AS (
    INSERT INTO inbox_queue (organization_id, event_id, created)
    SELECT organization_id, event_id, created FROM stored WHERE disposition = 'apply'
    ON CONFLICT DO NOTHING)
  SELECT count(*)::int AS taken FROM taken)sql"};

// The account is of the organization that keeps the events: their rows stay where they are.
const pg::Query kStay{"inbox_unknown_stay", R"sql(
  WITH waiting AS (
    SELECT account, event_id, created FROM inbox_unknown
     WHERE organization_id = $1 AND account = ANY ($2::text[])
     ORDER BY account, event_id, created LIMIT $6 FOR UPDATE SKIP LOCKED),
  taken AS (
    DELETE FROM inbox_unknown u USING waiting w
     WHERE u.organization_id = $1 AND u.account = w.account AND u.event_id = w.event_id
       AND u.created = w.created
    RETURNING u.event_id, u.created),
  placed AS (
    UPDATE inbox i
       SET account = $3,
           disposition = CASE WHEN i.livemode <> $5::bool THEN 'other_mode'
                              WHEN i.type = ANY ($4::text[]) THEN 'apply' ELSE 'unhandled' END
      FROM taken t
     WHERE i.organization_id = $1 AND i.event_id = t.event_id AND i.created = t.created
       AND i.disposition = 'unknown_account'
    RETURNING i.organization_id, i.event_id, i.created, i.disposition),
  queued AS (
    INSERT INTO inbox_queue (organization_id, event_id, created)
    SELECT organization_id, event_id, created FROM placed WHERE disposition = 'apply'
    ON CONFLICT DO NOTHING)
  SELECT count(*)::int AS taken FROM taken)sql"};

const pg::Query kRefused{"refused_accounts_of", R"sql(
  SELECT account FROM refused_accounts WHERE account = ANY ($1::text[]) AND ask_again_at > $2)sql",
                         Tenancy::global};

const pg::Query kToBeAsked{"inbox_unknown_to_be_asked", R"sql(
  SELECT DISTINCT u.account
    FROM inbox_unknown u LEFT JOIN refused_accounts r ON r.account = u.account
   WHERE r.account IS NULL OR r.ask_again_at <= $1
   ORDER BY u.account LIMIT $2)sql",
                           Tenancy::global};

const pg::Query kCount{"inbox_unknown_count", R"sql(
  SELECT count(*) AS waiting FROM (SELECT FROM inbox_unknown LIMIT $1) AS counted)sql",
                       Tenancy::global};

const pg::Query kForget{"inbox_unknown_forget", R"sql(
  WITH refusals AS (
    DELETE FROM refused_accounts WHERE ask_again_at < $1::timestamptz - interval '60 days')
  DELETE FROM inbox_unknown
   WHERE date_trunc('week', created AT TIME ZONE 'UTC')::date + 7
           <= ($1::timestamptz AT TIME ZONE 'UTC')::date - 30)sql",
                        Tenancy::global};

pg::Array<std::string> applied_types() {
  pg::Array<std::string> types;
  for (const EventType& type : event_types()) types.add(std::string(type.type));
  return types;
}

}  // namespace

std::vector<Owner> known_by_now(pg::Tx& tx) {
  std::vector<Owner> owners;
  for (const pg::Row row : tx.exec(kKnown)) {
    owners.push_back({row.get<OrgId>("platform"), row.get<OrgId>("organization_id"),
                      row.get<std::string>("stripe_account_id"), row.get<bool>("is_platform")});
  }
  return owners;
}

int adopt(pg::Tx& tx, const Owner& owner, std::optional<bool> livemode, int limit) {
  pg::Array<std::string> names;
  names.add(owner.account);
  if (owner.is_platform) names.add(std::string());
  const auto types = applied_types();
  const pg::Rows rows =
      owner.organization == owner.platform
          ? tx.exec(kStay, owner.platform, names, owner.account, types, livemode, limit)
          : tx.exec(kMove, owner.platform, names, owner.organization, owner.account, types,
                    livemode, limit);
  return rows.one().get<std::int32_t>("taken");
}

std::vector<std::string> refused(pg::Tx& tx, const std::set<std::string>& accounts, Time now) {
  pg::Array<std::string> asked;
  for (const std::string& account : accounts) asked.add(account);
  std::vector<std::string> found;
  for (const pg::Row row : tx.exec(kRefused, asked, now))
    found.push_back(row.get<std::string>("account"));
  return found;
}

std::set<std::string> to_be_asked(pg::Tx& tx, Time now, int limit) {
  std::set<std::string> accounts;
  for (const pg::Row row : tx.exec(kToBeAsked, now, limit))
    accounts.insert(row.get<std::string>("account"));
  return accounts;
}

std::int64_t waiting(pg::Tx& tx) {
  return tx.exec(kCount, kCountedTo).one().get<std::int64_t>("waiting");
}

void forget(pg::Tx& tx, Time now) { tx.exec(kForget, now); }

}  // namespace payoutd::webhooks::unknown_store
