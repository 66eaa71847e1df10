#include "payouts/moves_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "payouts/steps.h"

namespace payoutd::payouts::moves_store {
namespace {

// `stood` is the row as the lock found it.
const pg::Query kMove{"move_payouts", R"sql(
  UPDATE payouts AS p SET status = $4, updated = greatest(p.updated, $7),
         failure_code = $5, failure_message = $6,
         approved_at = CASE WHEN $4 = 'approved' THEN $7 ELSE p.approved_at END,
         processed_at = CASE WHEN $4 = 'processing' THEN coalesce(p.processed_at, $7)
                             ELSE p.processed_at END,
         paid_at = CASE WHEN $4 = 'paid' THEN $7 ELSE p.paid_at END,
         failed_at = CASE WHEN $4 = 'failed' THEN $7 ELSE p.failed_at END,
         canceled_at = CASE WHEN $4 = 'canceled' THEN $7 ELSE p.canceled_at END,
         returned_at = CASE WHEN $4 = 'failed' AND stood.status = 'paid' THEN $7
                            ELSE p.returned_at END,
         external_id = CASE WHEN $4 = 'failed' AND p.rail = 'stripe_payout' THEN NULL
                            ELSE p.external_id END
    FROM (SELECT organization_id, id, status FROM payouts
           WHERE organization_id = $1 AND id = ANY ($2::uuid[])) AS stood
   WHERE p.organization_id = $1 AND p.organization_id = stood.organization_id
     AND p.id = stood.id AND p.status = stood.status AND p.status = ANY ($3::text[])
  RETURNING p.id, p.rail, stood.status AS from_status)sql",
                      pg::writes_locked(pg::LockedRows::payouts)};

const pg::Query kStanding{"payouts_standing", R"sql(
  SELECT id, status, stripe_payout_id IS NOT NULL AS shown FROM payouts
   WHERE organization_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id)sql"};

// A row of ours keeps its own `created`, and when it was sent.
std::string save_as_shown_sql() {
  std::string sets;
  for (const SentColumn& column : std::span(kVersionColumns).subspan(kKeyColumns))
    sets += fmt::format("{0} = given.{0}, ", column.name);
  for (const mirror::ColumnText& column : mirror::texts_of(kStoredStripeColumns)) {
    if (column.name == "created") continue;
    sets += fmt::format("{0} = given.{0}{1}, ", column.name, column.cast);
  }
  return fmt::format(R"sql(
  UPDATE payouts AS p SET {sets}
         processed_at = CASE WHEN p.created_by = 'stripe' THEN p.created ELSE p.processed_at END,
         updated = greatest(p.updated, given.shown_at)
    FROM {given}
   WHERE p.organization_id = given.organization_id AND p.id = given.id
     AND p.rail = 'stripe_payout' AND p.status = given.from_status)sql",
                     fmt::arg("sets", sets),
                     fmt::arg("given", given_rows({{"from_status", "text"}})));
}
const std::string kSaveAsShownSql = save_as_shown_sql();
const pg::Query kSaveAsShown{"save_payouts_as_shown", kSaveAsShownSql,
                             pg::writes_locked(pg::LockedRows::payouts)};

// The status is the one that the row has now.
const pg::Query kAppend{"append_payout_events", R"sql(
  INSERT INTO payout_events (organization_id, payout_id, id, sequence, change, kind, from_status,
                             status, source, actor, notes, detail, occurred_at)
  SELECT p.organization_id, p.id, given.id, next_payout_event(p.organization_id, p.id),
         given.id::text, $5, nullif(coalesce(given.from_status, p.status), ''), p.status, 'engine', $6, $7, $8, $9
    FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS given(payout_id, id, from_status)
    JOIN payouts AS p ON p.organization_id = $1 AND p.id = given.payout_id)sql"};

const pg::Query kAppendNews{"append_payout_news", R"sql(
  INSERT INTO payout_events (organization_id, payout_id, id, sequence, change, kind, from_status,
                             status, source, actor, notes, detail, occurred_at)
  SELECT p.organization_id, p.id, $3::uuid, next_payout_event(p.organization_id, p.id),
         $3::uuid::text, $4::text, coalesce($9::text, p.status), p.status, 'engine', $5::text, $6::text, $7::jsonb,
         $8::timestamptz
    FROM payouts AS p
   WHERE p.organization_id = $1 AND p.id = $2
     AND NOT EXISTS (
       SELECT FROM (SELECT e.kind, e.detail FROM payout_events AS e
                     WHERE e.organization_id = $1 AND e.payout_id = $2 AND e.source = 'engine'
                       AND ($4 = 'sent' OR e.kind <> 'sent')
                     ORDER BY e.occurred_at DESC, e.sequence DESC LIMIT 1) AS last
        WHERE last.kind = $4 AND last.detail = $7))sql"};

const pg::Query kInsert{"insert_payout_asked_for", R"sql(
  INSERT INTO payouts (organization_id, id, rail, account, amount, currency, status, type,
                       description, metadata, method, automatic, created, updated, requested_at,
                       processed_at, external_id, created_by, attempts, next_attempt_at)
  VALUES ($1, $2, 'stripe_payout', $3, $4, $5, $6, 'bank_account', $7, $8, $9, false, $10, $10,
          $10, $10, $11, $12, 1, $13)
  ON CONFLICT (organization_id, external_id) WHERE external_id IS NOT NULL DO NOTHING
  RETURNING id)sql",
                        pg::locks(pg::LockedRows::payouts)};

const pg::Query kCountSends{"count_payout_sends", R"sql(
  UPDATE payouts SET attempts = $3 WHERE organization_id = $1 AND id = $2)sql",
                            pg::writes_locked(pg::LockedRows::payouts)};

const pg::Query kPlan{"plan_payout", R"sql(
  UPDATE payouts SET next_attempt_at = $3
   WHERE organization_id = $1 AND id = $2 AND next_attempt_at IS DISTINCT FROM $3)sql",
                      pg::writes_locked(pg::LockedRows::payouts)};

// The metadata came from outside: a key that is taken stays where it is, and of two rows that name
// one key the older one has it.
const pg::Query kReclaim{"payouts_reclaim_keys", R"sql(
  UPDATE payouts p SET external_id = given.key
    FROM (SELECT DISTINCT ON (claim.key) claim.key, found.id
            FROM unnest($3::text[], $4::text[]) AS claim(stripe_payout_id, key)
            JOIN payouts found ON found.organization_id = $1 AND found.account = $2
                              AND found.stripe_payout_id = claim.stripe_payout_id
           WHERE found.external_id IS NULL
           ORDER BY claim.key, found.created, found.id) AS given
   WHERE p.organization_id = $1 AND p.id = given.id AND p.external_id IS NULL
     AND NOT EXISTS (SELECT FROM payouts other
                      WHERE other.organization_id = $1 AND other.external_id = given.key))sql",
                         pg::locks(pg::LockedRows::payouts)};

// The payout and the step that an event tells, beside its cause.
struct Told {
  PayoutId payout;
  OptionalText from_status{};  // none: the payout's own, it did not move; "": there was none
};

void append_news(pg::Tx& tx, OrgId organization, const Told& told, const Cause& cause) {
  tx.exec(kAppendNews, organization, told.payout, Uuid::v7(), cause.kind, cause.actor, cause.notes,
          cause.detail, cause.at, told.from_status);
}

void append(pg::Tx& tx, OrgId organization, const std::vector<Told>& all, const Cause& cause) {
  CHECK(!all.empty() && !cause.kind.empty() && cause.at != Time{});
  if (cause.news_only) {
    for (const Told& told : all) append_news(tx, organization, told, cause);
    return;
  }
  pg::Array<PayoutId> payout;
  pg::Array<Uuid> event;
  pg::Array<std::string> from_status;
  for (const Told& told : all) {
    payout.add(told.payout);
    event.add(Uuid::v7());
    from_status.add(told.from_status);
  }
  const auto appended = tx.exec(kAppend, organization, payout, event, from_status, cause.kind,
                                cause.actor, cause.notes, cause.detail, cause.at);
  CHECK(appended.affected() == all.size());
}

void check_step(const pg::Row& row, const Move& move) {
  const auto from = status_of(row.get<std::string>("from_status"));
  const auto rail = rails::rail_of(row.get<std::string>("rail"));
  CHECK(from && rail && move.from.contains(*from));
  CHECK(step_between(*from, move.to, *rail).has_value());
}

}  // namespace

void move(pg::Tx& tx, const Move& move, const Cause& cause) {
  CHECK(!move.ids.empty() && !move.from.contains(move.to));
  CHECK(std::ranges::adjacent_find(move.ids, std::ranges::greater_equal{}) == move.ids.end());
  CHECK((move.to == Status::failed) == cause.failure_code.has_value());
  pg::Array<PayoutId> ids;
  for (const PayoutId id : move.ids) ids.add(id);
  pg::Array<std::string> from;
  for (const std::string_view word : move.from.words()) from.add(std::string(word));
  std::vector<Told> moved;
  for (const pg::Row row : tx.exec(kMove, move.organization, ids, from, word_of(move.to),
                                   cause.failure_code, cause.failure_message, cause.at)) {
    check_step(row, move);
    moved.push_back({row.get<PayoutId>("id"), row.get<std::string>("from_status")});
  }
  CHECK(moved.size() == move.ids.size());
  append(tx, move.organization, moved, cause);
}

std::vector<Standing> standing(pg::Tx& tx, OrgId organization, std::span<const PayoutId> ids) {
  CHECK(!ids.empty());
  pg::Array<PayoutId> asked;
  for (const PayoutId id : ids) asked.add(id);
  std::vector<Standing> found;
  for (const pg::Row row : tx.exec(kStanding, organization, asked)) {
    found.push_back({row.get<PayoutId>("id"), StatusWord(row.get<std::string>("status")),
                     row.get<bool>("shown")});
  }
  CHECK(found.size() == ids.size());
  return found;
}

void save_as_shown(pg::Tx& tx, std::span<const ShownMove> moves) {
  if (moves.empty()) return;
  ShownArrays arrays;
  pg::Array<std::string> from;
  for (const ShownMove& move : moves) {
    arrays.add(move.to);
    from.add(move.from.text);
  }
  CHECK(arrays.exec(tx, kSaveAsShown, from).affected() == moves.size());
}

void note(pg::Tx& tx, OrgId organization, PayoutId payout, const Cause& cause) {
  append(tx, organization, {{.payout = payout}}, cause);
}

bool insert(pg::Tx& tx, const NewPayout& payout, Time next_look, Time now) {
  CHECK(next_look > now);
  CHECK(payout.money.minor > 0 && !payout.account.empty() && !payout.method.empty());
  CHECK(!payout.actor.empty() && payout.metadata.is_object());
  const auto made =
      tx.exec(kInsert, payout.organization, payout.id, payout.account, payout.money.minor,
              payout.money.currency.str(), word_of(Status::processing), payout.description,
              payout.metadata, payout.method, now, payout.external_id, payout.actor, next_look);
  if (made.empty()) return false;
  append(tx, payout.organization, {{payout.id, ""}},
         {.kind = "requested", .actor = payout.actor, .at = now});
  return true;
}

void count_sends(pg::Tx& tx, OrgId organization, PayoutId payout, std::int32_t sends) {
  CHECK(sends > 0);
  CHECK(tx.exec(kCountSends, organization, payout, sends).affected() == 1);
}

void plan(pg::Tx& tx, OrgId organization, PayoutId payout, OptionalTime next) {
  CHECK(tx.exec(kPlan, organization, payout, next).affected() <= 1);
}

void reclaim(pg::Tx& tx, OrgId organization, const std::string& account,
             const std::vector<Reclaimed>& payouts) {
  if (payouts.empty()) return;
  pg::Array<std::string> ids, keys;
  for (const Reclaimed& payout : payouts) {
    CHECK(!payout.stripe_payout_id.empty() && !payout.key.empty());
    ids.add(payout.stripe_payout_id);
    keys.add(payout.key);
  }
  tx.exec(kReclaim, organization, account, ids, keys);
}

}  // namespace payoutd::payouts::moves_store
