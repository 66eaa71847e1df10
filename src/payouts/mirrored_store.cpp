#include "payouts/mirrored_store.h"

#include <map>

namespace payoutd::payouts::mirrored_store {

namespace {

using mirror::Column;
using OptionalText = std::optional<std::string>;

constexpr auto kColumns =
    std::tuple{Column{"amount", &StripePayout::amount},
               Column{"currency", &StripePayout::currency},
               Column{"status", &StripePayout::status},
               Column{"type", &StripePayout::type},
               Column{"description", &StripePayout::description},
               Column{"method", &StripePayout::method},
               Column{"source_type", &StripePayout::source_type},
               Column{"statement_descriptor", &StripePayout::statement_descriptor},
               Column{"metadata", &StripePayout::metadata},
               Column{"destination", &StripePayout::destination},
               Column{"failure_code", &StripePayout::failure_code},
               Column{"failure_message", &StripePayout::failure_message},
               Column{"balance_transaction_id", &StripePayout::balance_transaction},
               Column{"failure_balance_transaction_id", &StripePayout::failure_balance_transaction},
               Column{"reconciliation_status", &StripePayout::reconciliation_status},
               Column{"trace_id", &StripePayout::trace_id},
               Column{"trace_id_status", &StripePayout::trace_id_status},
               Column{"original_payout", &StripePayout::original_payout},
               Column{"reversed_by", &StripePayout::reversed_by},
               Column{"application_fee_id", &StripePayout::application_fee},
               Column{"application_fee_amount", &StripePayout::application_fee_amount},
               Column{"automatic", &StripePayout::automatic},
               Column{"arrival_date", &StripePayout::arrival_date},
               Column{"created", &StripePayout::created}};

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
  RETURNING p.organization_id, p.account, p.stripe_payout_id)sql"};

// $1 to $16 are the arrays of exec(), $17 on the columns above.
const pg::Query kInsert{"insert_mirrored_payouts", R"sql(
  INSERT INTO payouts (organization_id, account, stripe_payout_id, id, rail, stage, shown_at, rank,
         digest, tied, paid_at, failed_at, canceled_at, returned_at, paid_seen_at, failed_seen_at,
         canceled_seen_at, updated, requested_at, processed_at, amount, currency, status, type,
         description, method, source_type, statement_descriptor, metadata, destination,
         failure_code, failure_message,
         balance_transaction_id, failure_balance_transaction_id, reconciliation_status, trace_id,
         trace_id_status, original_payout, reversed_by, application_fee_id, application_fee_amount,
         automatic, arrival_date, created, created_by)
  SELECT organization_id, account, stripe_payout_id, id, 'stripe_payout', stage, shown_at, rank,
         digest, tied, paid_at, failed_at, canceled_at, returned_at, paid_seen_at, failed_seen_at,
         canceled_seen_at, shown_at, created, created, amount, currency, status, type,
         description, method, source_type, statement_descriptor, metadata::jsonb,
         destination::jsonb, failure_code, failure_message,
         balance_transaction_id, failure_balance_transaction_id, reconciliation_status, trace_id,
         trace_id_status, original_payout, reversed_by, application_fee_id, application_fee_amount,
         automatic, arrival_date, created, 'stripe'
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::int[], $6::timestamptz[],
                $7::bigint[], $8::bigint[], $9::boolean[], $10::timestamptz[], $11::timestamptz[],
                $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[],
                $16::timestamptz[], $17::bigint[], $18::text[], $19::text[], $20::text[],
                $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[],
                $27::text[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[],
                $33::text[], $34::text[], $35::text[], $36::text[], $37::bigint[], $38::boolean[],
                $39::timestamptz[], $40::timestamptz[])
         AS given(organization_id, account, stripe_payout_id, id, stage, shown_at, rank, digest, tied,
                  paid_at, failed_at, canceled_at, returned_at, paid_seen_at, failed_seen_at,
                  canceled_seen_at, amount, currency, status, type, description, method,
                  source_type, statement_descriptor, metadata, destination,
                  failure_code, failure_message, balance_transaction_id,
                  failure_balance_transaction_id, reconciliation_status, trace_id, trace_id_status,
                  original_payout, reversed_by, application_fee_id, application_fee_amount, automatic,
                  arrival_date, created)
  ON CONFLICT (organization_id, account, stripe_payout_id) DO NOTHING
  RETURNING id, organization_id)sql"};

// A row of ours keeps its own `created`, and when it was sent.
const pg::Query kSave{"save_mirrored_payouts", R"sql(
  UPDATE payouts AS p SET
         stage = given.stage, shown_at = given.shown_at, rank = given.rank, digest = given.digest,
         tied = given.tied, paid_at = given.paid_at, failed_at = given.failed_at,
         canceled_at = given.canceled_at, returned_at = given.returned_at,
         paid_seen_at = given.paid_seen_at, failed_seen_at = given.failed_seen_at,
         canceled_seen_at = given.canceled_seen_at,
         processed_at = CASE WHEN p.created_by = 'stripe' THEN p.created ELSE p.processed_at END,
         updated = greatest(p.updated, given.shown_at),
         amount = given.amount, currency = given.currency, status = given.status, type = given.type,
         description = given.description, method = given.method, source_type = given.source_type,
         statement_descriptor = given.statement_descriptor, metadata = given.metadata::jsonb,
         destination = given.destination::jsonb, failure_code = given.failure_code,
         failure_message = given.failure_message,
         balance_transaction_id = given.balance_transaction_id,
         failure_balance_transaction_id = given.failure_balance_transaction_id,
         reconciliation_status = given.reconciliation_status, trace_id = given.trace_id,
         trace_id_status = given.trace_id_status, original_payout = given.original_payout,
         reversed_by = given.reversed_by, application_fee_id = given.application_fee_id,
         application_fee_amount = given.application_fee_amount, automatic = given.automatic,
         arrival_date = given.arrival_date
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::int[], $6::timestamptz[],
                $7::bigint[], $8::bigint[], $9::boolean[], $10::timestamptz[], $11::timestamptz[],
                $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[],
                $16::timestamptz[], $17::bigint[], $18::text[], $19::text[], $20::text[],
                $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[],
                $27::text[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[],
                $33::text[], $34::text[], $35::text[], $36::text[], $37::bigint[], $38::boolean[],
                $39::timestamptz[], $40::timestamptz[])
         AS given(organization_id, account, stripe_payout_id, id, stage, shown_at, rank, digest, tied,
                  paid_at, failed_at, canceled_at, returned_at, paid_seen_at, failed_seen_at,
                  canceled_seen_at, amount, currency, status, type, description, method,
                  source_type, statement_descriptor, metadata, destination,
                  failure_code, failure_message, balance_transaction_id,
                  failure_balance_transaction_id, reconciliation_status, trace_id, trace_id_status,
                  original_payout, reversed_by, application_fee_id, application_fee_amount, automatic,
                  arrival_date, created)
   WHERE p.organization_id = given.organization_id AND p.id = given.id)sql"};

const pg::Query kLock{"lock_mirrored_payouts", R"sql(
  SELECT p.organization_id, p.account, p.stripe_payout_id, p.id, p.stage, p.shown_at, p.rank, p.digest,
         p.tied, p.paid_at, p.failed_at, p.canceled_at, p.paid_seen_at, p.failed_seen_at,
         p.canceled_seen_at, p.members_checked_at,
         p.amount, p.currency, p.status, p.type, p.description, p.method, p.source_type,
         p.statement_descriptor, p.metadata::text AS metadata, p.destination::text AS destination,
         p.failure_code, p.failure_message, p.balance_transaction_id,
         p.failure_balance_transaction_id, p.reconciliation_status, p.trace_id, p.trace_id_status,
         p.original_payout, p.reversed_by, p.application_fee_id, p.application_fee_amount,
         coalesce(p.automatic, false) AS automatic, coalesce(p.arrival_date, p.created) AS arrival_date,
         p.created
    FROM unnest($1::uuid[], $2::text[], $3::text[])
         AS given(organization_id, account, stripe_payout_id)
    JOIN payouts AS p USING (organization_id, account, stripe_payout_id)
   ORDER BY p.organization_id, p.account, p.stripe_payout_id
     FOR UPDATE OF p)sql"};

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

const pg::Query kAppend{"append_seen_payout_events", R"sql(
  INSERT INTO payout_events (organization_id, payout_id, id, change, kind, status, source,
         stripe_event_id, actor, notes, occurred_at)
  SELECT organization_id, payout_id, id, change, kind, status, source, nullif(stripe_event_id, ''),
         'stripe', notes, occurred_at
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::timestamptz[])
         AS given(organization_id, payout_id, id, change, kind, status, source, stripe_event_id, notes,
                  occurred_at)
  ON CONFLICT (organization_id, payout_id, change) DO NOTHING)sql"};

struct KeyColumns {
  pg::Array<OrgId> organization;
  pg::Array<std::string> account, stripe_payout_id;
  void add(const Key& key) {
    organization.add(key.organization);
    account.add(key.account);
    stripe_payout_id.add(key.stripe_id);
  }
};

// Binds rows to kInsert and kSave.
pg::Rows exec(pg::Tx& tx, const pg::Query& query, const std::vector<Saved>& rows) {
  KeyColumns keys;
  pg::Array<PayoutId> id;
  pg::Array<std::int32_t> stage;
  pg::Array<Time> shown_at, paid_at, failed_at, canceled_at, returned_at;
  pg::Array<Time> paid_seen_at, failed_seen_at, canceled_seen_at;
  pg::Array<std::int64_t> rank, digest;
  pg::Array<bool> tied;
  mirror::ArraysOf<std::remove_const_t<decltype(kColumns)>>::type arrays;
  for (const Saved& row : rows) {
    const State& state = row.state;
    keys.add(row.key);
    id.add(row.id);
    stage.add(state.shown.stage);
    shown_at.add(from_unix(state.shown.at));
    rank.add(state.shown.rank);
    digest.add(state.shown.digest);
    tied.add(state.tied);
    paid_at.add(state.happened.paid);
    failed_at.add(state.happened.failed);
    canceled_at.add(state.happened.canceled);
    returned_at.add(state.returned_at());
    paid_seen_at.add(state.seen.paid);
    failed_seen_at.add(state.seen.failed);
    canceled_seen_at.add(state.seen.canceled);
    mirror::append_row(arrays, state.body, kColumns);
  }
  return std::apply(
      [&](const auto&... array) {
        return tx.exec(query, keys.organization, keys.account, keys.stripe_payout_id, id, stage,
                       shown_at, rank, digest, tied, paid_at, failed_at, canceled_at, returned_at,
                       paid_seen_at, failed_seen_at, canceled_seen_at, array...);
      },
      arrays);
}

template <class T>
void read_column(const pg::Row& row, const char* name, T& into) {
  into = row.get<T>(name);
}
void read_column(const pg::Row& row, const char* name, mirror::JsonText& into) {
  into.text = row.get<std::string>(name);
}
void read_column(const pg::Row& row, const char* name, std::optional<mirror::JsonText>& into) {
  if (auto text = row.get<OptionalText>(name)) into = mirror::JsonText{*std::move(text)};
}

// What happened was seen, too, at the earliest then; so is what an older version wrote there.
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
  std::apply(
      [&](const auto&... column) {
        (read_column(row, column.name, state.body.*column.member), ...);
      },
      kColumns);
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
    keys.add(claim.key);
    id.add(claim.id);
    amount.add(claim.amount);
    currency.add(claim.currency);
  }
  for (const pg::Row row : tx.exec(kAdopt, keys.organization, keys.account, keys.stripe_payout_id,
                                   id, amount, currency)) {
    adopted.insert({row.get<OrgId>("organization_id"), row.get<std::string>("account"),
                    row.get<std::string>("stripe_payout_id")});
  }
  return adopted;
}

std::set<PayoutId> insert(pg::Tx& tx, const std::vector<Saved>& rows) {
  std::set<PayoutId> made;
  for (const pg::Row row : exec(tx, kInsert, rows)) made.insert(row.get<PayoutId>("id"));
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
  const std::map<PayoutId, EndTimes> told = told_of(tx, found);
  for (Stored& one : found) {
    const auto times = told.find(one.id);
    const EndTimes happened = times == told.end() ? EndTimes{} : times->second;
    one.times_differ = one.times_differ || one.state.happened != happened;
    one.state.happened = happened;
  }
  return found;
}

void save(pg::Tx& tx, const std::vector<Saved>& rows) {
  if (!rows.empty()) exec(tx, kSave, rows);
}

void append(pg::Tx& tx, const std::vector<Seen>& changes) {
  if (changes.empty()) return;
  pg::Array<OrgId> organization;
  pg::Array<PayoutId> payout;
  pg::Array<Uuid> id;
  pg::Array<std::string> change, kind, status, source, event_id, notes;
  pg::Array<Time> occurred_at;
  for (const Seen& seen : changes) {
    organization.add(seen.organization);
    payout.add(seen.payout);
    id.add(Uuid::v7());
    change.add(seen.change);
    kind.add(seen.kind);
    status.add(seen.status);
    source.add(seen.source);
    event_id.add(seen.event_id);
    notes.add(seen.notes);
    occurred_at.add(seen.occurred_at);
  }
  tx.exec(kAppend, organization, payout, id, change, kind, status, source, event_id, notes,
          occurred_at);
}

}  // namespace payoutd::payouts::mirrored_store
