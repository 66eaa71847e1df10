#include "payouts/instructions.h"

namespace payoutd::payouts::instructions {
namespace {

const pg::Query kInsertPayout{"payout_ask", R"sql(
  INSERT INTO payouts (organization_id, id, rail, account, amount, currency, status, type, description,
                       metadata, method, automatic, created, updated, requested_at, processed_at,
                       external_id, created_by, attempts, next_attempt_at)
  VALUES ($1, $2, 'stripe_payout', $3, $4, $5, 'processing', 'bank_account', $6, $7, $8, false,
          $9, $9, $9, $9, $10, $11, 1, $12)
  ON CONFLICT (organization_id, external_id) WHERE external_id IS NOT NULL DO NOTHING
  RETURNING id)sql"};

const pg::Query kInsert{"instruction_insert", R"sql(
  INSERT INTO instructions (organization_id, id, rail, account, amount, currency, attempt,
                            idempotency_key, request_path, body, state, sends, first_sent_at,
                            last_sent_at, created, updated, next_look_at)
  VALUES ($1, $2, 'stripe_payout', $3, $4, $5, $6, $7, $8, convert_to($9, 'UTF8'), 'sending', 1,
          $10, $10, $10, $10, $11))sql"};

const pg::Query kInsertMember{"instruction_insert_payout", R"sql(
  INSERT INTO instruction_payouts (organization_id, instruction_id, payout_id, amount)
  VALUES ($1, $2, $3, $4))sql"};

const pg::Query kFindByKey{"payout_by_external_id", R"sql(
  SELECT p.id, p.account, p.amount, p.currency, p.method, p.description, p.metadata, sent.body
    FROM payouts p
    LEFT JOIN LATERAL (
         SELECT convert_from(i.body, 'UTF8') AS body
           FROM instruction_payouts m
           JOIN instructions i ON i.organization_id = m.organization_id AND i.id = m.instruction_id
          WHERE m.organization_id = p.organization_id AND m.payout_id = p.id
          ORDER BY i.attempt DESC LIMIT 1) AS sent ON true
   WHERE p.organization_id = $1 AND p.external_id = $2)sql"};

#define LATEST_INSTRUCTION                                                                    \
  "SELECT i.organization_id, i.id, m.payout_id, i.account, i.amount, i.currency, i.attempt,"  \
  " i.idempotency_key, i.request_path, convert_from(i.body, 'UTF8') AS body, i.state, "       \
  "i.was_unknown,"                                                                            \
  " i.sends, i.first_sent_at, i.last_sent_at, i.absent_since, i.looks, i.next_look_at,"       \
  " i.outcome_code, i.outcome_message"                                                        \
  " FROM instruction_payouts m"                                                               \
  " JOIN instructions i ON i.organization_id = m.organization_id AND i.id = m.instruction_id" \
  " WHERE m.organization_id = $1 AND m.payout_id = $2 ORDER BY i.attempt DESC LIMIT 1"

const pg::Query kFindOf{"instruction_of_payout", LATEST_INSTRUCTION};
const pg::Query kLockOf{"instruction_lock_of_payout", LATEST_INSTRUCTION " FOR UPDATE OF i"};

const pg::Query kSending{"instruction_sending", R"sql(
  UPDATE instructions SET state = 'sending', sends = sends + 1, last_sent_at = $3,
         was_unknown = was_unknown OR $4, first_sent_at = coalesce(first_sent_at, $3),
         absent_since = NULL, updated = $3
   WHERE organization_id = $1 AND id = $2)sql"};

const pg::Query kCountSend{"payout_count_send", R"sql(
  UPDATE payouts SET attempts = $3 WHERE organization_id = $1 AND id = $2)sql"};

const pg::Query kPlan{"instruction_plan", R"sql(
  UPDATE instructions SET looks = $3, next_look_at = $4
   WHERE organization_id = $1 AND id = $2)sql"};

const pg::Query kShowPlan{"payout_show_plan", R"sql(
  UPDATE payouts SET next_attempt_at = $3
   WHERE organization_id = $1 AND id = $2 AND next_attempt_at IS DISTINCT FROM $3)sql"};

const pg::Query kSettle{"instruction_settle", R"sql(
  UPDATE instructions SET state = $3, outcome_code = $4, outcome_message = $5, stripe_id = $6,
         request_ids = CASE WHEN $7 = '' THEN request_ids ELSE request_ids || $7::text END,
         outcome_at = $8, updated = $8
   WHERE organization_id = $1 AND id = $2)sql"};

const pg::Query kUnresolved{"unresolved_instructions", R"sql(
  SELECT count(*) FILTER (WHERE state <> 'needs_review') AS unknown,
         min(first_sent_at) FILTER (WHERE state <> 'needs_review') AS unknown_since,
         count(*) FILTER (WHERE state = 'needs_review') AS needs_review
    FROM instructions WHERE state IN ('sending', 'unknown', 'needs_review'))sql",
                            pg::Tenancy::global};

#define IN_REVIEW                                                                                \
  "SELECT i.organization_id, m.payout_id, i.account, i.amount, i.currency, i.first_sent_at,"     \
  " i.outcome_code, i.outcome_message"                                                           \
  " FROM instructions i"                                                                         \
  " JOIN instruction_payouts m ON m.organization_id = i.organization_id AND m.instruction_id = " \
  "i.id"                                                                                         \
  " WHERE i.state = 'needs_review'"

const pg::Query kInReview{"instructions_in_review", IN_REVIEW " ORDER BY i.first_sent_at LIMIT $1",
                          pg::Tenancy::global};
const pg::Query kPayoutInReview{"instruction_in_review", IN_REVIEW " AND m.payout_id = $1 LIMIT 1",
                                pg::Tenancy::global};

// That Stripe said yes to something is not forgotten for what a later send came to.
const pg::Query kUnsettled{"instruction_unsettled", R"sql(
  UPDATE instructions SET state = $3, was_unknown = was_unknown OR $4,
         outcome_code = CASE WHEN outcome_code = 'another_answer' AND $3 <> 'needs_review'
                             THEN outcome_code ELSE $5 END,
         outcome_message = $6, updated = $7
   WHERE organization_id = $1 AND id = $2)sql"};

const pg::Query kAbsent{"instruction_absent", R"sql(
  UPDATE instructions SET state = 'unknown', was_unknown = true,
         absent_since = coalesce(absent_since, $3), updated = $3
   WHERE organization_id = $1 AND id = $2)sql"};

const pg::Query kEndMembers{"instruction_end_payouts", R"sql(
  UPDATE instruction_payouts SET live = false
   WHERE organization_id = $1 AND instruction_id = $2)sql"};

// Only a payout that Stripe has never shown: what Stripe says of one stands.
const pg::Query kSetStatus{"payout_set_unshown_status", R"sql(
  UPDATE payouts SET status = $3, failure_code = $4, failure_message = $5, updated = $6,
         failed_at = CASE WHEN $3 = 'failed' THEN $6 ELSE failed_at END,
         canceled_at = CASE WHEN $3 = 'canceled' THEN $6 ELSE canceled_at END,
         external_id = CASE WHEN $3 = 'failed' THEN NULL ELSE external_id END
   WHERE organization_id = $1 AND id = $2 AND stripe_payout_id IS NULL)sql"};

const pg::Query kAppend{"payout_append_engine_event", R"sql(
  INSERT INTO payout_events (organization_id, payout_id, id, change, kind, status, source, actor, notes,
                             occurred_at)
  VALUES ($1, $2, $3, $4, $5, $6, 'engine', $7, $8, $9)
  ON CONFLICT (organization_id, payout_id, change) DO NOTHING)sql"};

// Only where it differs from the last of them; between two sends stands what came of the first.
const pg::Query kAppendNews{"payout_append_engine_news", R"sql(
  INSERT INTO payout_events (organization_id, payout_id, id, change, kind, status, source, actor, notes,
                             detail, occurred_at)
  SELECT $1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, $6::text, 'engine', $7::text, $8::text,
         $9::jsonb, $10::timestamptz
   WHERE NOT EXISTS (
     SELECT FROM (SELECT kind, detail FROM payout_events
                   WHERE organization_id = $1 AND payout_id = $2 AND source = 'engine'
                     AND ($5 = 'sent' OR kind <> 'sent')
                   ORDER BY occurred_at DESC, id DESC LIMIT 1) AS last
      WHERE last.kind = $5 AND last.detail = $9)
  ON CONFLICT (organization_id, payout_id, change) DO NOTHING)sql"};

const pg::Query kUnsettledSince{"instructions_unsettled", R"sql(
  SELECT i.organization_id, m.payout_id
    FROM instructions i
    JOIN instruction_payouts m ON m.organization_id = i.organization_id AND m.instruction_id = i.id
   WHERE i.rail = 'stripe_payout' AND i.state IN ('ready', 'sending', 'unknown')
     AND coalesce(i.next_look_at, i.last_sent_at) < $1
   ORDER BY coalesce(i.next_look_at, i.last_sent_at) LIMIT $2)sql",
                                pg::Tenancy::global};

// A restart, a failover, a restored folder: another start of a postmaster. A dump that was
// restored: another database, or another table of that name.
const pg::Query kLineage{"database_lineage", R"sql(
  SELECT pg_postmaster_start_time()::text || ' ' || d.oid || ' ' || pg_relation_filenode('instructions')
           AS lineage
    FROM pg_database d WHERE d.datname = current_database())sql",
                         pg::Tenancy::global};

// Ids are made in the order of time, so the newest is found from the end of the primary key.
const pg::Query kHorizon{"instructions_horizon", R"sql(
  SELECT least((SELECT created FROM instructions
                 WHERE organization_id = $1 AND account = $2 AND rail = 'stripe_payout'
                 ORDER BY id DESC LIMIT 1),
               (SELECT min(created) FROM instructions
                 WHERE organization_id = $1 AND account = $2 AND rail = 'stripe_payout'
                   AND state IN ('ready', 'sending', 'unknown', 'needs_review'))) AS since)sql"};

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
                      WHERE other.organization_id = $1 AND other.external_id = given.key))sql"};

struct Change {
  const char* kind;
  const char* status;
  std::string actor = "payoutd";
  OptionalText notes{};
};

void append(pg::Tx& tx, OrgId organization, PayoutId payout, const Change& change, Time now) {
  tx.exec(kAppend, organization, payout, Uuid::v7(),
          fmt::format("{}:{}", change.kind, to_micros(now)), change.kind, change.status,
          change.actor, change.notes, now);
}

void append_news(pg::Tx& tx, const Instruction& one, const Change& change, Json detail, Time now) {
  tx.exec(kAppendNews, one.organization, one.payout, Uuid::v7(),
          fmt::format("{}:{}", change.kind, to_micros(now)), change.kind, change.status,
          change.actor, change.notes, detail, now);
}

void unplan(pg::Tx& tx, const Instruction& one) {
  tx.exec(kPlan, one.organization, one.id, one.looks, nullptr);
  tx.exec(kShowPlan, one.organization, one.payout, nullptr);
}

InReview in_review_of(const pg::Row& row) {
  return {.organization = row.get<OrgId>("organization_id"),
          .payout = row.get<PayoutId>("payout_id"),
          .account = row.get<std::string>("account"),
          .money = {row.get<std::int64_t>("amount"), row.get<Currency>("currency")},
          .sent_at = row.get<OptionalTime>("first_sent_at"),
          .code = row.get<OptionalText>("outcome_code"),
          .message = row.get<OptionalText>("outcome_message")};
}

Instruction instruction_of(const pg::Row& row) {
  Instruction one;
  one.organization = row.get<OrgId>("organization_id");
  one.id = row.get<InstructionId>("id");
  one.payout = row.get<PayoutId>("payout_id");
  one.account = row.get<std::string>("account");
  one.money = {row.get<std::int64_t>("amount"), row.get<Currency>("currency")};
  one.attempt = row.get<std::int32_t>("attempt");
  one.key = row.get<std::string>("idempotency_key");
  one.path = row.get<std::string>("request_path");
  one.body = row.get<std::string>("body");
  one.state = row.get<std::string>("state");
  one.was_unknown = row.get<bool>("was_unknown");
  one.sends = row.get<std::int32_t>("sends");
  one.first_sent_at = row.get<OptionalTime>("first_sent_at");
  one.last_sent_at = row.get<OptionalTime>("last_sent_at");
  one.absent_since = row.get<OptionalTime>("absent_since");
  one.looks = row.get<std::int32_t>("looks");
  one.next_look_at = row.get<OptionalTime>("next_look_at");
  one.outcome_code = row.get<OptionalText>("outcome_code");
  one.outcome_message = row.get<OptionalText>("outcome_message");
  return one;
}

}  // namespace

bool create(pg::Tx& tx, const NewPayout& payout, const Instruction& instruction, Time now) {
  const auto made =
      tx.exec(kInsertPayout, payout.organization, payout.id, payout.account, payout.money.minor,
              payout.money.currency.str(), payout.description, payout.metadata, payout.method, now,
              payout.external_id, payout.actor, instruction.next_look_at);
  if (made.empty()) return false;
  tx.exec(kInsert, payout.organization, instruction.id, instruction.account,
          instruction.money.minor, instruction.money.currency.str(), instruction.attempt,
          instruction.key, instruction.path, instruction.body, now, instruction.next_look_at);
  tx.exec(kInsertMember, payout.organization, instruction.id, payout.id, instruction.money.minor);
  append(tx, payout.organization, payout.id, {"requested", "processing", payout.actor}, now);
  return true;
}

std::optional<Asked> find_by_external_id(pg::Tx& tx, OrgId organization, const std::string& key) {
  const auto row = tx.exec(kFindByKey, organization, key).maybe();
  if (!row) return std::nullopt;
  return Asked{.id = row->get<PayoutId>("id"),
               .account = row->get<OptionalText>("account").value_or(""),
               .money = {row->get<std::int64_t>("amount"), row->get<Currency>("currency")},
               .method = row->get<OptionalText>("method"),
               .description = row->get<OptionalText>("description"),
               .body = row->get<OptionalText>("body"),
               .metadata = row->get<Json>("metadata")};
}

std::optional<Instruction> lock_of(pg::Tx& tx, OrgId organization, PayoutId payout) {
  const auto row = tx.exec(kLockOf, organization, payout).maybe();
  return row ? std::optional(instruction_of(*row)) : std::nullopt;
}

std::optional<Instruction> find_of(pg::Tx& tx, OrgId organization, PayoutId payout) {
  const auto row = tx.exec(kFindOf, organization, payout).maybe();
  return row ? std::optional(instruction_of(*row)) : std::nullopt;
}

void plan(pg::Tx& tx, const Instruction& one, std::int32_t looks, Time next) {
  tx.exec(kPlan, one.organization, one.id, looks, next);
  tx.exec(kShowPlan, one.organization, one.payout, next);
}

void sending(pg::Tx& tx, const Instruction& one, Time now) {
  tx.exec(kSending, one.organization, one.id, now, one.was_unknown);
  tx.exec(kSetStatus, one.organization, one.payout, "processing", nullptr, nullptr, now);
  tx.exec(kCountSend, one.organization, one.payout, one.sends + 1);
  append_news(tx, one, {"sent", "processing"}, Json::object(), now);
}

void done(pg::Tx& tx, const Instruction& one, const std::string& stripe_id,
          const std::string& request_id, Time now) {
  tx.exec(kSettle, one.organization, one.id, "done", nullptr, nullptr, stripe_id, request_id, now);
  unplan(tx, one);
}

void not_done(pg::Tx& tx, const Instruction& one, const std::string& code,
              const std::string& message, Time now) {
  tx.exec(kSettle, one.organization, one.id, "not_done", code, message, nullptr, "", now);
  tx.exec(kEndMembers, one.organization, one.id);
  unplan(tx, one);
  tx.exec(kSetStatus, one.organization, one.payout, "failed", code, message, now);
  append(tx, one.organization, one.payout, {"refused", "failed", "stripe", message}, now);
}

Unresolved unresolved(pg::Tx& tx) {
  const pg::Row row = tx.exec(kUnresolved).one();
  return {row.get<std::int64_t>("unknown"), row.get<std::optional<Time>>("unknown_since"),
          row.get<std::int64_t>("needs_review")};
}

std::vector<InReview> in_review(pg::Tx& tx, std::int64_t limit) {
  std::vector<InReview> found;
  for (const pg::Row row : tx.exec(kInReview, limit)) found.push_back(in_review_of(row));
  return found;
}

std::optional<InReview> in_review(pg::Tx& tx, PayoutId payout) {
  const auto row = tx.exec(kPayoutInReview, payout).maybe();
  return row ? std::optional(in_review_of(*row)) : std::nullopt;
}

void not_paid(pg::Tx& tx, const Instruction& one, const std::string& actor,
              const std::string& reason, Time now) {
  constexpr const char* kNotPaid = "not_paid";
  tx.exec(kSettle, one.organization, one.id, "not_done", kNotPaid, reason, nullptr, "", now);
  tx.exec(kEndMembers, one.organization, one.id);
  unplan(tx, one);
  tx.exec(kSetStatus, one.organization, one.payout, "failed", kNotPaid, reason, now);
  append(tx, one.organization, one.payout, {"reviewed", "failed", actor, reason}, now);
}

void not_arrived(pg::Tx& tx, const Instruction& one, const std::string& message, Time now) {
  tx.exec(kUnsettled, one.organization, one.id, "ready", false, "not_arrived", message, now);
  tx.exec(kSetStatus, one.organization, one.payout, "queued", nullptr, nullptr, now);
  append_news(tx, one, {"not_arrived", "queued", "payoutd", message}, Json::object(), now);
}

void unknown(pg::Tx& tx, const Instruction& one, const std::string& code,
             const std::string& message, Time now) {
  tx.exec(kUnsettled, one.organization, one.id, "unknown", true, code, message, now);
  append_news(tx, one, {"outcome_unknown", "processing", "payoutd", message}, {{"code", code}},
              now);
}

void absent(pg::Tx& tx, const Instruction& one, Time now) {
  tx.exec(kAbsent, one.organization, one.id, now);
}

void needs_review(pg::Tx& tx, const Instruction& one, const std::string& code,
                  const std::string& message, Time now) {
  tx.exec(kUnsettled, one.organization, one.id, "needs_review", true, code, message, now);
  unplan(tx, one);
  append(tx, one.organization, one.payout, {"needs_review", "processing", "payoutd", message}, now);
}

void canceled(pg::Tx& tx, const Instruction& one, const std::string& actor, Time now) {
  tx.exec(kSettle, one.organization, one.id, "not_done", "canceled", nullptr, nullptr, "", now);
  tx.exec(kEndMembers, one.organization, one.id);
  unplan(tx, one);
  tx.exec(kSetStatus, one.organization, one.payout, "canceled", nullptr, nullptr, now);
  append(tx, one.organization, one.payout, {"canceled", "canceled", actor}, now);
}

void cancel_asked(pg::Tx& tx, const Payout& payout, const std::string& actor, Time now) {
  append(tx, payout.organization, payout.id, {"cancel_requested", payout.status.c_str(), actor},
         now);
}

std::vector<Unsettled> unsettled(pg::Tx& tx, Time before, std::int64_t limit) {
  std::vector<Unsettled> found;
  for (const pg::Row row : tx.exec(kUnsettledSince, before, limit)) {
    found.push_back({row.get<OrgId>("organization_id"), row.get<PayoutId>("payout_id")});
  }
  return found;
}

std::string lineage(pg::Tx& tx) { return tx.exec(kLineage).one().get<std::string>("lineage"); }

OptionalTime horizon(pg::Tx& tx, OrgId organization, const std::string& account) {
  return tx.exec(kHorizon, organization, account).one().get<OptionalTime>("since");
}

void reclaim(pg::Tx& tx, OrgId organization, const std::string& account,
             const std::vector<Reclaimed>& payouts) {
  if (payouts.empty()) return;
  pg::Array<std::string> ids, keys;
  for (const Reclaimed& payout : payouts) {
    ids.add(payout.stripe_payout_id);
    keys.add(payout.key);
  }
  tx.exec(kReclaim, organization, account, ids, keys);
}

}  // namespace payoutd::payouts::instructions
