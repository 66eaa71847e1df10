#include <fmt/format.h>

#include "http/page.h"
#include "payouts/payouts.h"
#include "rails/instructions_store.h"
#include "stripe/metadata_keys.h"

namespace payoutd::payouts {

namespace {

// Where no event told when a payout ended, Stripe's object does: it was paid on its arrival date,
// unless it was seen as paid before that date; it failed or was canceled when a transaction gave
// its money back, once the mirror has that transaction.
#define GIVEN_BACK_AT                                                                          \
  " (SELECT back.created FROM balance_transactions AS back"                                    \
  "   WHERE back.organization_id = payouts.organization_id AND back.account = payouts.account" \
  "     AND back.stripe_id = payouts.failure_balance_transaction_id)"
#define PAID_AT " coalesce(paid_at, CASE WHEN paid_seen_at >= arrival_date THEN arrival_date END)"
#define FAILED_AT \
  " coalesce(failed_at, CASE WHEN failed_seen_at IS NOT NULL THEN" GIVEN_BACK_AT " END)"
#define CANCELED_AT \
  " coalesce(canceled_at, CASE WHEN canceled_seen_at IS NOT NULL THEN" GIVEN_BACK_AT " END)"
#define RETURNED_AT                                                                   \
  " coalesce(returned_at, CASE WHEN status = 'failed' AND failed_seen_at IS NOT NULL" \
  "                             AND paid_seen_at IS NOT NULL THEN" GIVEN_BACK_AT " END)"

// The columns that read_payout() takes.
#define PAYOUT_COLUMNS                                                                             \
  " organization_id, id, status, type, rail, currency, amount, account, stripe_payout_id,"         \
  " description, failure_code, failure_message, metadata, blocks, created, updated, requested_at," \
  " approved_at, processed_at," PAID_AT " AS paid_at," FAILED_AT " AS failed_at," CANCELED_AT      \
  " AS canceled_at," RETURNED_AT                                                                   \
  " AS returned_at, arrival_date,"                                                                 \
  " members_checked_at, method, source_type, statement_descriptor, balance_transaction_id,"        \
  " failure_balance_transaction_id, reconciliation_status, trace_id, trace_id_status,"             \
  " original_payout, reversed_by, destination, automatic, tied, priority, entity_id,"              \
  " source_account, origin_module, origin_entity_id, influencer_id, campaign_id, invoice_id,"      \
  " po_id, notes, external_id, reference_code, created_by, approved_by, platform_fee, bank_fee,"   \
  " tax, net_amount, beneficiary_id, hold_id, batch_id, scheduled_run, next_attempt_at, dead_at,"  \
  " hidden_at, attempts "

#define PAYOUT_FILTER                                                                  \
  " WHERE organization_id = $1 AND hidden_at IS NULL"                                  \
  "   AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR type = $3)"       \
  "   AND ($4::text IS NULL OR priority = $4) AND ($5::text IS NULL OR currency = $5)" \
  "   AND ($6::text IS NULL OR rail = $6) AND ($7::text IS NULL OR account = $7)"      \
  "   AND ($8::text IS NULL OR origin_module = $8)"                                    \
  "   AND ($9::text IS NULL OR origin_entity_id = $9)"                                 \
  "   AND ($10::text IS NULL OR influencer_id = $10)"                                  \
  "   AND ($11::text IS NULL OR campaign_id = $11)"                                    \
  "   AND ($12::timestamptz IS NULL OR created >= $12)"                                \
  "   AND ($13::timestamptz IS NULL OR created <= $13)"

const pg::Query kList{"list_payouts",
                      "SELECT" PAYOUT_COLUMNS "FROM payouts" PAYOUT_FILTER
                      "   AND ($14::timestamptz IS NULL OR (created, id) < ($14, $15::uuid))"
                      " ORDER BY created DESC, id DESC LIMIT $16 OFFSET $17"};

const pg::Query kCount{"count_payouts", "SELECT count(*) AS total FROM payouts" PAYOUT_FILTER};

const pg::Query kFind{"find_payout", "SELECT" PAYOUT_COLUMNS
                                     "FROM payouts WHERE organization_id = $1 AND id = $2"
                                     " AND hidden_at IS NULL"};

const pg::Query kFindByStripeId{"find_payout_by_stripe_id",
                                "SELECT" PAYOUT_COLUMNS
                                "FROM payouts WHERE organization_id = $1 AND stripe_payout_id = $2"
                                " AND hidden_at IS NULL ORDER BY created DESC, id DESC LIMIT 1"};

const pg::Query kLock{"lock_payout",
                      "SELECT" PAYOUT_COLUMNS
                      "FROM payouts WHERE organization_id = $1 AND id = $2"
                      " AND hidden_at IS NULL FOR UPDATE",
                      pg::locks(pg::LockedRows::payouts)};

const pg::Query kLockSeveral{"lock_payouts",
                             "SELECT" PAYOUT_COLUMNS
                             "FROM payouts WHERE organization_id = $1"
                             " AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE",
                             pg::locks(pg::LockedRows::payouts)};

const pg::Query kFindByExternalId{"payout_by_external_id", R"sql(
  SELECT id, account, amount, currency, method, description, metadata
    FROM payouts WHERE organization_id = $1 AND external_id = $2)sql"};

const pg::Query kAwaitingMembers{
    "payouts_awaiting_members",
    "SELECT" PAYOUT_COLUMNS
    "FROM payouts WHERE organization_id = $1 AND account = $2 AND automatic"
    " AND members_checked_at IS NULL AND reconciliation_status = 'completed'"
    " ORDER BY created, id LIMIT $3"};

const pg::Query kMembersListed{"payout_members_listed", R"sql(
  UPDATE payouts SET members_checked_at = greatest(members_checked_at, $4)
   WHERE organization_id = $1 AND account = $2 AND stripe_payout_id = $3)sql",
                               pg::locks(pg::LockedRows::payouts)};

// Stripe tells the second only; within one comes what we did to send it, then Stripe's states in
// the order of a payout's life, then what we did about those. Only what is pending is canceled.
const pg::Query kEvents{"payout_events_of", R"sql(
  SELECT payout_id, id, coalesce(sequence, place) AS sequence, kind, from_status, status, source,
         actor, notes, stripe_event_id, detail, occurred_at, recorded_at, total
    FROM (SELECT *, count(*) OVER (PARTITION BY payout_id) AS total,
                    row_number() OVER (PARTITION BY payout_id
                                       ORDER BY date_trunc('second', occurred_at),
                                                CASE WHEN actor = 'stripe' THEN
                                                  array_position(ARRAY['pending', 'in_transit',
                                                    'paid', 'canceled', 'failed'], status)
                                                WHEN kind IN ('requested', 'sent', 'not_arrived',
                                                  'outcome_unknown') THEN 0
                                                WHEN kind = 'cancel_requested' THEN 2 ELSE 9 END,
                                                occurred_at, sequence, recorded_at, id) AS place
            FROM payout_events WHERE organization_id = $1 AND payout_id = ANY ($2::uuid[])) AS ordered
   WHERE place <= $3 OR place > total - $3 ORDER BY payout_id, place)sql"};

Json without_our_keys(Json metadata) {
  metadata.erase(stripe::kPayoutIdKey);
  metadata.erase(stripe::kAttemptKey);
  metadata.erase(stripe::kRequestKey);
  return metadata;
}

struct Reader {
  const pg::Row& row;
  template <class T>
  void operator()(const char* column, T& into) const {
    into = row.get<T>(column);
  }
};

void read_stripe(const Reader& read, Payout& p) {
  read("account", p.account);
  read("stripe_payout_id", p.stripe_payout_id);
  read("arrival_date", p.arrival_date);
  read("members_checked_at", p.members_checked_at);
  read("method", p.method);
  read("source_type", p.source_type);
  read("statement_descriptor", p.statement_descriptor);
  read("balance_transaction_id", p.balance_transaction_id);
  read("failure_balance_transaction_id", p.failure_balance_transaction_id);
  read("reconciliation_status", p.reconciliation_status);
  read("trace_id", p.trace_id);
  read("trace_id_status", p.trace_id_status);
  read("original_payout", p.original_payout);
  read("reversed_by", p.reversed_by);
  read("destination", p.destination);
  read("automatic", p.automatic);
  read("tied", p.tied);
}

void read_engine(const Reader& read, Payout& p) {
  read("priority", p.priority);
  read("entity_id", p.entity_id);
  read("source_account", p.source_account);
  read("origin_module", p.origin_module);
  read("origin_entity_id", p.origin_entity_id);
  read("influencer_id", p.influencer_id);
  read("campaign_id", p.campaign_id);
  read("invoice_id", p.invoice_id);
  read("po_id", p.po_id);
  read("notes", p.notes);
  read("external_id", p.external_id);
  read("reference_code", p.reference_code);
  read("created_by", p.created_by);
  read("approved_by", p.approved_by);
  read("platform_fee", p.platform_fee);
  read("bank_fee", p.bank_fee);
  read("tax", p.tax);
  read("net_amount", p.net_amount);
  read("beneficiary_id", p.beneficiary_id);
  read("hold_id", p.hold_id);
  read("batch_id", p.batch_id);
  read("scheduled_run", p.scheduled_run);
  read("next_attempt_at", p.next_attempt_at);
  read("dead_at", p.dead_at);
  read("hidden_at", p.hidden_at);
  read("attempts", p.attempts);
}

void read_times(const Reader& read, Payout& p) {
  read("created", p.created);
  read("updated", p.updated);
  read("requested_at", p.requested_at);
  read("approved_at", p.approved_at);
  read("processed_at", p.processed_at);
  read("paid_at", p.paid_at);
  read("failed_at", p.failed_at);
  read("canceled_at", p.canceled_at);
  read("returned_at", p.returned_at);
}

Payout read_payout(const pg::Row& row) {
  const Reader read{row};
  const auto rail = rails::rail_of(row.get<std::string>("rail"));
  CHECK(rail);
  Payout p;
  p.status = StatusWord(row.get<std::string>("status"));
  p.rail = *rail;
  p.money = {row.get<std::int64_t>("amount"), row.get<Currency>("currency")};
  read("organization_id", p.organization);
  read("id", p.id);
  read("type", p.type);
  read("description", p.description);
  read("failure_code", p.failure_code);
  read("failure_message", p.failure_message);
  read("blocks", p.blocks);
  p.metadata = without_our_keys(row.get<Json>("metadata"));
  read_times(read, p);
  read_stripe(read, p);
  read_engine(read, p);
  return p;
}

std::vector<Payout> read_all(const pg::Rows& rows) {
  std::vector<Payout> all;
  all.reserve(rows.size());
  for (const pg::Row row : rows) all.push_back(read_payout(row));
  return all;
}

PayoutEvent read_event(const pg::Row& row) {
  return {.payout = row.get<PayoutId>("payout_id"),
          .id = row.get<Uuid>("id"),
          .sequence = row.get<std::int64_t>("sequence"),
          .kind = row.get<std::string>("kind"),
          .source = row.get<std::string>("source"),
          .actor = row.get<std::string>("actor"),
          .from_status = row.get<OptionalText>("from_status"),
          .status = StatusWord(row.get<std::string>("status")),
          .notes = row.get<OptionalText>("notes"),
          .stripe_event_id = row.get<OptionalText>("stripe_event_id"),
          .detail = row.get<Json>("detail"),
          .occurred_at = row.get<Time>("occurred_at"),
          .recorded_at = row.get<Time>("recorded_at")};
}

const Error kNotFound{Kind::missing, "payout_not_found", "your organization has no such payout",
                      "id"};

}  // namespace

Result<http::PageOf<Payout>> list_payouts(pg::Tx& tx, OrgId organization, const PayoutFilter& f,
                                          const http::Page& page) {
  const auto cursor = page.after();
  if (!cursor) return cursor.error();
  std::optional<Time> after;
  std::optional<Uuid> after_id;
  if (*cursor) {
    after = (*cursor)->time;
    after_id = Uuid::parse((*cursor)->id);
    if (!after_id) return http::invalid_cursor();
  }
  tx.plan_afresh();
  const auto status_word = f.status ? std::optional(word_of(*f.status)) : std::nullopt;
  auto found = http::cut(
      read_all(tx.exec(kList, organization, status_word, f.type, f.priority, f.currency, f.rail,
                       f.account, f.origin_module, f.origin_entity_id, f.influencer_id,
                       f.campaign_id, f.from, f.to, after, after_id, page.limit + 1, page.offset)),
      page, [](const Payout& last) {
        return http::Cursor{last.created, last.id.str()};
      });
  if (page.with_total) {
    found.total = tx.exec(kCount, organization, status_word, f.type, f.priority, f.currency, f.rail,
                          f.account, f.origin_module, f.origin_entity_id, f.influencer_id,
                          f.campaign_id, f.from, f.to)
                      .one()
                      .get<std::int64_t>("total");
  }
  return found;
}

Result<Payout> find_payout(pg::Tx& tx, OrgId organization, std::string_view id) {
  const auto ours = PayoutId::parse(id);
  const auto row = ours                    ? tx.exec(kFind, organization, *ours).maybe()
                   : id.starts_with("po_") ? tx.exec(kFindByStripeId, organization, id).maybe()
                                           : std::nullopt;
  if (!row) return kNotFound;
  return read_payout(*row);
}

Result<Payout> lock_payout(pg::Tx& tx, OrgId organization, PayoutId id) {
  const auto row = tx.exec(kLock, organization, id).maybe();
  if (!row) return kNotFound;
  return read_payout(*row);
}

std::vector<Payout> lock_payouts(pg::Tx& tx, OrgId organization, std::span<const PayoutId> ids) {
  pg::Array<PayoutId> asked;
  for (const PayoutId id : ids) asked.add(id);
  auto locked = read_all(tx.exec(kLockSeveral, organization, asked));
  CHECK(!ids.empty() && locked.size() == ids.size());
  return locked;
}

std::optional<AskedFor> find_by_external_id(pg::Tx& tx, OrgId organization,
                                            const std::string& key) {
  const auto row = tx.exec(kFindByExternalId, organization, key).maybe();
  if (!row) return std::nullopt;
  const auto id = row->get<PayoutId>("id");
  return AskedFor{.id = id,
                  .account = row->get<OptionalText>("account").value_or(""),
                  .money = {row->get<std::int64_t>("amount"), row->get<Currency>("currency")},
                  .method = row->get<OptionalText>("method"),
                  .description = row->get<OptionalText>("description"),
                  .body = rails::instructions_store::body_of(tx, organization, id),
                  .metadata = row->get<Json>("metadata")};
}

PayoutEvents events_of(pg::Tx& tx, OrgId organization, PayoutId id) {
  auto all = events_of(tx, organization, std::vector<PayoutId>{id});
  return all.empty() ? PayoutEvents{} : std::move(all.begin()->second);
}

std::map<PayoutId, PayoutEvents> events_of(pg::Tx& tx, OrgId organization,
                                           const std::vector<PayoutId>& ids) {
  pg::Array<PayoutId> asked;
  for (const PayoutId id : ids) asked.add(id);
  std::map<PayoutId, PayoutEvents> found;
  for (const pg::Row row : tx.exec(kEvents, organization, asked, kMaxEvents / 2)) {
    PayoutEvent event = read_event(row);
    PayoutEvents& events = found[event.payout];
    events.shown.push_back(std::move(event));
    events.left_out = row.get<std::int64_t>("total") - std::ssize(events.shown);
  }
  return found;
}

std::vector<Payout> awaiting_transactions(pg::Tx& tx, OrgId organization, std::string_view account,
                                          std::int64_t limit) {
  CHECK(limit > 0 && !account.empty());
  return read_all(tx.exec(kAwaitingMembers, organization, account, limit));
}

bool transactions_were_listed(pg::Tx& tx, OrgId organization, std::string_view account,
                              std::string_view stripe_payout_id, Time at) {
  return tx.exec(kMembersListed, organization, account, stripe_payout_id, at).affected() > 0;
}

}  // namespace payoutd::payouts
