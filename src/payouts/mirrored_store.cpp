#include "payouts/mirrored_store.h"

#include <fmt/format.h>

#include <map>
#include <span>

#include "payouts/stripe_columns.h"

namespace payoutd::payouts::mirrored_store {

namespace {

const pg::Query kAdopt{"adopt_payouts", R"sql(
  UPDATE payouts AS p SET stripe_payout_id = given.stripe_payout_id
    FROM (SELECT DISTINCT ON (organization_id, id) *
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::text[])
                 AS claim(organization_id, account, stripe_payout_id, id, amount, currency)
           ORDER BY organization_id, id, stripe_payout_id) AS given
   WHERE p.organization_id = given.organization_id AND p.id = given.id
     AND p.rail = 'stripe_payout' AND p.account = given.account AND p.stripe_payout_id IS NULL
     AND p.amount = given.amount AND p.currency = given.currency
     AND NOT EXISTS (SELECT FROM payouts AS other
                      WHERE other.organization_id = given.organization_id
                        AND other.account = given.account
                        AND other.stripe_payout_id = given.stripe_payout_id)
  RETURNING p.organization_id, p.account, p.stripe_payout_id)sql",
                       pg::locks(pg::LockedRows::payouts)};

std::string insert_sql() {
  const auto columns = mirror::texts_of(kStoredStripeColumns);
  std::string names, values;
  for (const SentColumn& column : kVersionColumns) {
    names += fmt::format("{}, ", column.name);
    values += fmt::format("{}, ", column.name);
  }
  for (const mirror::ColumnText& column : columns) {
    names += fmt::format("{}, ", column.name);
    values += fmt::format("{}{}, ", column.name, column.cast);
  }
  return fmt::format(R"sql(
  INSERT INTO payouts ({names}rail, updated, requested_at, processed_at, created_by)
  SELECT {values}'stripe_payout', shown_at, created, created, 'stripe'
    FROM {given}
  ON CONFLICT (organization_id, account, stripe_payout_id) DO NOTHING
  RETURNING id, organization_id)sql",
                     fmt::arg("names", names), fmt::arg("values", values),
                     fmt::arg("given", given_rows()));
}

// A row of ours that Stripe has not shown yet has no arrival date of Stripe's.
std::string lock_sql() {
  std::string names;
  for (const mirror::ColumnText& column : mirror::texts_of(kStoredStripeColumns)) {
    if (column.name == "automatic") names += ", coalesce(p.automatic, false) AS automatic";
    else if (column.name == "arrival_date")
      names += ", coalesce(p.arrival_date, p.created) AS arrival_date";
    else if (column.cast.empty()) names += fmt::format(", p.{}", column.name);
    else names += fmt::format(", p.{0}::text AS {0}", column.name);
  }
  return fmt::format(R"sql(
  SELECT p.organization_id, p.account, p.stripe_payout_id, p.id, p.stage, p.shown_at, p.rank,
         p.digest, p.tied, p.paid_at, p.failed_at, p.canceled_at, p.paid_seen_at, p.failed_seen_at,
         p.canceled_seen_at, p.members_checked_at{names}
    FROM unnest($1::uuid[], $2::text[], $3::text[])
         AS given(organization_id, account, stripe_payout_id)
    JOIN payouts AS p USING (organization_id, account, stripe_payout_id)
   ORDER BY p.organization_id, p.account, p.stripe_payout_id
     FOR UPDATE OF p)sql",
                     fmt::arg("names", names));
}

const std::string kInsertSql = insert_sql(), kLockSql = lock_sql();
const pg::Query kInsert{"insert_mirrored_payouts", kInsertSql, pg::locks(pg::LockedRows::payouts)};
const pg::Query kLock{"lock_mirrored_payouts", kLockSql, pg::locks(pg::LockedRows::payouts)};

// When Stripe's own events say that it happened. A statement after kLock: it sees what the
// transactions wrote that kLock waited for.
const pg::Query kTold{"payout_end_times_told", R"sql(
  SELECT event.payout_id,
         min(event.occurred_at) FILTER (WHERE event.status = 'paid') AS paid,
         min(event.occurred_at) FILTER (WHERE event.status = 'failed') AS failed,
         min(event.occurred_at) FILTER (WHERE event.status = 'canceled') AS canceled
    FROM unnest($1::uuid[], $2::uuid[]) AS given(organization_id, payout_id)
    JOIN payout_events AS event USING (organization_id, payout_id)
   WHERE event.source = 'event' AND event.status IN ('paid', 'failed', 'canceled')
     AND event.kind = 'payout.' || event.status
   GROUP BY event.payout_id)sql"};

// Deliveries and Stripe's events of one change have one `change`, and make one event. The numbers
// are those that next_payout_event gives, in the order in which the changes are sent; called for
// each row, the function takes four times as long as the same query inside the statement.
const pg::Query kAppend{"append_seen_payout_events", R"sql(
  INSERT INTO payout_events (organization_id, payout_id, id, sequence, change, kind, from_status,
                             status, source, stripe_event_id, actor, notes, occurred_at)
  SELECT organization_id, payout_id, id,
         coalesce((SELECT last.sequence FROM payout_events AS last
                    WHERE last.organization_id = given.organization_id
                      AND last.payout_id = given.payout_id
                    ORDER BY last.sequence DESC LIMIT 1), 0)
           + row_number() OVER (PARTITION BY organization_id, payout_id ORDER BY place),
         change, kind, from_status, status, source, nullif(stripe_event_id, ''), 'stripe', notes,
         occurred_at
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::text[], $11::timestamptz[])
         WITH ORDINALITY
         AS given(organization_id, payout_id, id, change, kind, from_status, status, source,
                  stripe_event_id, notes, occurred_at, place)
   WHERE NOT EXISTS (SELECT FROM payout_events AS known
                      WHERE known.organization_id = given.organization_id
                        AND known.payout_id = given.payout_id AND known.change = given.change))sql"};

struct KeyColumns {
  pg::Array<OrgId> organization;
  pg::Array<std::string> account, stripe_payout_id;
  void add(const Key& key) {
    organization.add(key.organization);
    account.add(key.account);
    stripe_payout_id.add(key.stripe_id);
  }
};

template <class Column>
void read_column(const pg::Row& row, const Column& column, StripePayout& into) {
  auto& value = column.of(into);
  using T = std::remove_cvref_t<decltype(value)>;
  if constexpr (std::is_same_v<T, mirror::JsonText> || std::is_same_v<T, StatusWord>) {
    value.text = row.get<std::string>(column.name);
  } else if constexpr (std::is_same_v<T, std::optional<mirror::JsonText>>) {
    if (auto text = row.get<OptionalText>(column.name)) value = mirror::JsonText{*std::move(text)};
  } else {
    value = row.get<T>(column.name);
  }
}

// A time of happening is also the earliest time of seeing, and so is the time that an older version
// wrote there.
void read_end_times(const pg::Row& row, Stored& found) {
  if (!found.ever_shown) return;
  const auto time = [&](const char* name) { return row.get<std::optional<Time>>(name); };
  State& state = found.state;
  state.happened = {
      .paid = time("paid_at"), .failed = time("failed_at"), .canceled = time("canceled_at")};
  const EndTimes written{.paid = time("paid_seen_at"),
                         .failed = time("failed_seen_at"),
                         .canceled = time("canceled_seen_at")};
  state.seen = earlier(written, state.happened);
  found.times_differ = written != state.seen;
}

Stored read(const pg::Row& row) {
  Stored found{.key = {row.get<OrgId>("organization_id"), row.get<std::string>("account"),
                       row.get<std::string>("stripe_payout_id")},
               .id = row.get<PayoutId>("id"),
               .state = {}};
  State& state = found.state;
  const auto shown_at = row.get<std::optional<Time>>("shown_at");
  found.ever_shown = shown_at.has_value();
  found.members_checked = !row.is_null("members_checked_at");
  state.shown = {.stage = row.get<std::int32_t>("stage"),
                 .at = shown_at ? to_unix(*shown_at) : 0,
                 .rank = row.get<std::int64_t>("rank"),
                 .digest = row.get<std::int64_t>("digest")};
  state.tied = row.get<bool>("tied");
  read_end_times(row, found);
  std::apply([&](const auto&... column) { (read_column(row, column, state.body), ...); },
             kStoredStripeColumns);
  return found;
}

std::map<PayoutId, EndTimes> told_of(pg::Tx& tx, const std::vector<Stored>& rows) {
  pg::Array<OrgId> organization;
  pg::Array<PayoutId> id;
  for (const Stored& row : rows) {
    if (!row.ever_shown) continue;
    organization.add(row.key.organization);
    id.add(row.id);
  }
  std::map<PayoutId, EndTimes> told;
  for (const pg::Row row : tx.exec(kTold, organization, id)) {
    told[row.get<PayoutId>("payout_id")] = {.paid = row.get<std::optional<Time>>("paid"),
                                            .failed = row.get<std::optional<Time>>("failed"),
                                            .canceled = row.get<std::optional<Time>>("canceled")};
  }
  return told;
}

}  // namespace

std::set<Key> adopt(pg::Tx& tx, const std::vector<Claim>& claims) {
  std::set<Key> adopted;
  if (claims.empty()) return adopted;
  KeyColumns keys;
  pg::Array<PayoutId> id;
  pg::Array<std::int64_t> amount;
  pg::Array<std::string> currency;
  for (const Claim& claim : claims) {
    CHECK(!claim.key.stripe_id.empty());
    keys.add(claim.key);
    id.add(claim.id);
    amount.add(claim.money.minor);
    currency.add(claim.money.currency.str());
  }
  for (const pg::Row row : tx.exec(kAdopt, keys.organization, keys.account, keys.stripe_payout_id,
                                   id, amount, currency)) {
    adopted.insert({row.get<OrgId>("organization_id"), row.get<std::string>("account"),
                    row.get<std::string>("stripe_payout_id")});
  }
  CHECK(adopted.size() <= claims.size());
  return adopted;
}

std::set<PayoutId> insert(pg::Tx& tx, const std::vector<ShownRow>& rows) {
  std::set<PayoutId> made;
  ShownArrays arrays;
  for (const ShownRow& row : rows) arrays.add(row);
  for (const pg::Row row : arrays.exec(tx, kInsert)) made.insert(row.get<PayoutId>("id"));
  CHECK(made.size() <= rows.size());
  return made;
}

std::vector<Stored> lock(pg::Tx& tx, const std::vector<Key>& keys) {
  KeyColumns columns;
  for (const Key& key : keys) columns.add(key);
  std::vector<Stored> found;
  found.reserve(keys.size());
  for (const pg::Row row :
       tx.exec(kLock, columns.organization, columns.account, columns.stripe_payout_id)) {
    found.push_back(read(row));
  }
  CHECK(found.size() <= keys.size());
  const std::map<PayoutId, EndTimes> told = told_of(tx, found);
  for (Stored& one : found) {
    const auto times = told.find(one.id);
    const EndTimes happened = times == told.end() ? EndTimes{} : times->second;
    one.times_differ = one.times_differ || one.state.happened != happened;
    one.state.happened = happened;
  }
  return found;
}

void append(pg::Tx& tx, const std::vector<Seen>& changes) {
  if (changes.empty()) return;
  pg::Array<OrgId> organization;
  pg::Array<PayoutId> payout;
  pg::Array<Uuid> id;
  pg::Array<std::string> change, kind, from_status, status, source, event_id, notes;
  pg::Array<Time> occurred_at;
  for (const Seen& seen : changes) {
    CHECK(!seen.kind.empty() && !seen.change.empty());
    organization.add(seen.organization);
    payout.add(seen.payout);
    id.add(Uuid::v7());
    change.add(seen.change);
    kind.add(seen.kind);
    from_status.add(seen.from_status);
    status.add(seen.status);
    source.add(seen.source);
    event_id.add(seen.event_id);
    notes.add(seen.notes);
    occurred_at.add(seen.occurred_at);
  }
  const auto appended = tx.exec(kAppend, organization, payout, id, change, kind, from_status,
                                status, source, event_id, notes, occurred_at);
  CHECK(appended.affected() <= changes.size());
}

}  // namespace payoutd::payouts::mirrored_store
