#include "webhooks/inbox_store.h"

#include <algorithm>
#include <tuple>

namespace payoutd::webhooks {
namespace {

// A duplicate is skipped, within the batch as well as beside what is there.
const pg::Query kInsert{"inbox_insert", R"sql(
  WITH stored AS (
    INSERT INTO inbox (organization_id, event_id, created, account, type, livemode, api_version,
                       object_id, disposition, body)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::bool[],
                         $7::text[], $8::text[], $9::text[], $10::text[])
    ON CONFLICT DO NOTHING
    RETURNING organization_id, event_id, created, account, disposition),
  queued AS (
    INSERT INTO inbox_queue (organization_id, event_id, created)
    SELECT organization_id, event_id, created FROM stored WHERE disposition = 'apply'
    ON CONFLICT DO NOTHING),
  unknown AS (
    INSERT INTO inbox_unknown (organization_id, account, event_id, created)
    SELECT organization_id, account, event_id, created
      FROM stored WHERE disposition = 'unknown_account'
    ON CONFLICT DO NOTHING)
  SELECT count(*) AS stored FROM stored)sql"};

const pg::Query kSetAside{"inbox_set_aside", R"sql(
  INSERT INTO inbox_set_aside (organization_id, event_id, created, account, type, livemode, body)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::bool[],
                       $7::text[])
  ON CONFLICT DO NOTHING)sql"};

const pg::Query kOwners{"inbox_owners", R"sql(
  SELECT stripe_account_id, organization_id, is_platform
    FROM connected_accounts
   WHERE stripe_account_id = ANY ($1::text[]) OR is_platform)sql",
                        pg::Tenancy::global};

const pg::Query kPlatform{"inbox_platform", R"sql(
  SELECT id FROM organizations WHERE is_platform)sql",
                          pg::Tenancy::global};

std::string name_of(Disposition disposition) {
  switch (disposition) {
    case Disposition::apply: return "apply";
    case Disposition::unhandled: return "unhandled";
    case Disposition::unknown_account: return "unknown_account";
    case Disposition::other_mode: return "other_mode";
  }
  return "apply";
}

// Instances that insert the same events meet in one order, so that they can't deadlock.
std::vector<const Received*> in_key_order(std::span<const Received* const> events) {
  std::vector<const Received*> sorted(events.begin(), events.end());
  std::ranges::sort(sorted, {}, [](const Received* e) {
    return std::tie(e->organization, e->head.id, e->head.created);
  });
  return sorted;
}

struct Columns {
  pg::Array<Uuid> organization;
  pg::Array<std::string> id, account, type, body;
  pg::Array<Time> created;
  pg::Array<bool> livemode;

  void add(const Received& event) {
    organization.add(event.organization.value);
    id.add(event.head.id);
    created.add(event.head.created);
    account.add(event.head.account);
    type.add(event.head.type);
    livemode.add(event.head.livemode);
    body.add(event.body);
  }
};

}  // namespace

namespace inbox_store {

std::size_t insert(pg::Tx& tx, std::span<const Received* const> events) {
  Columns columns;
  pg::Array<std::string> version, object, disposition;
  for (const Received* event : in_key_order(events)) {
    columns.add(*event);
    version.add(event->head.api_version);
    object.add(event->head.object_id);
    disposition.add(name_of(event->disposition));
  }
  const auto rows =
      tx.exec(kInsert, columns.organization, columns.id, columns.created, columns.account,
              columns.type, columns.livemode, version, object, disposition, columns.body);
  return static_cast<std::size_t>(rows.one().get<std::int64_t>("stored"));
}

std::size_t set_aside(pg::Tx& tx, std::span<const Received* const> events) {
  Columns columns;
  for (const Received* event : in_key_order(events)) columns.add(*event);
  return tx
      .exec(kSetAside, columns.organization, columns.id, columns.created, columns.account,
            columns.type, columns.livemode, columns.body)
      .affected();
}

std::vector<Owner> owners(pg::Tx& tx, const std::vector<std::string>& accounts) {
  pg::Array<std::string> asked;
  for (const std::string& account : accounts) asked.add(account);
  std::vector<Owner> found;
  for (const pg::Row row : tx.exec(kOwners, asked)) {
    found.push_back({row.get<OrgId>("organization_id"), row.get<std::string>("stripe_account_id"),
                     row.get<bool>("is_platform")});
  }
  return found;
}

std::optional<OrgId> platform(pg::Tx& tx) {
  const auto row = tx.exec(kPlatform).maybe();
  return row ? std::optional(row->get<OrgId>("id")) : std::nullopt;
}

}  // namespace inbox_store

}  // namespace payoutd::webhooks
