#include "rails/instructions_store.h"

#include <algorithm>

namespace payoutd::rails::instructions_store {
namespace {

const pg::Query kInsert{"instruction_insert", R"sql(
  INSERT INTO instructions (organization_id, id, rail, account, amount, currency, attempt,
                            idempotency_key, request_path, body, state, sends, first_sent_at,
                            last_sent_at, created, updated, next_look_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, convert_to($10, 'UTF8'), $11, 1, $12, $12, $12, $12,
          $13))sql",
                        pg::locks(pg::LockedRows::instructions)};

const pg::Query kInsertMembers{"instruction_insert_payouts", R"sql(
  INSERT INTO instruction_payouts (organization_id, instruction_id, payout_id, amount)
  SELECT $1, $2, given.payout_id, given.amount
    FROM unnest($3::uuid[], $4::bigint[]) AS given(payout_id, amount))sql",
                               pg::writes_locked(pg::LockedRows::instructions)};

#define LATEST_INSTRUCTION                                                                      \
  "SELECT i.organization_id, i.id, i.rail, i.account, i.amount, i.currency, i.attempt,"         \
  " i.idempotency_key, i.request_path, convert_from(i.body, 'UTF8') AS body, i.state,"          \
  " i.was_unknown, i.sends, i.first_sent_at, i.last_sent_at, i.absent_since, i.looks,"          \
  " i.next_look_at, i.outcome_code, i.outcome_message,"                                         \
  " (SELECT string_agg(o.payout_id::text, ',' ORDER BY o.payout_id) FROM instruction_payouts o" \
  "   WHERE o.organization_id = i.organization_id AND o.instruction_id = i.id) AS members"      \
  " FROM instruction_payouts m"                                                                 \
  " JOIN instructions i ON i.organization_id = m.organization_id AND i.id = m.instruction_id"   \
  " WHERE m.organization_id = $1 AND m.payout_id = $2 ORDER BY i.attempt DESC LIMIT 1"

const pg::Query kFindOf{"instruction_of_payout", LATEST_INSTRUCTION};
const pg::Query kLockOf{"instruction_lock_of_payout", LATEST_INSTRUCTION " FOR UPDATE OF i",
                        pg::locks(pg::LockedRows::instructions)};

const pg::Query kBodyOf{"instruction_body_of_payout", R"sql(
  SELECT convert_from(i.body, 'UTF8') AS body
    FROM instruction_payouts m
    JOIN instructions i ON i.organization_id = m.organization_id AND i.id = m.instruction_id
   WHERE m.organization_id = $1 AND m.payout_id = $2
   ORDER BY i.attempt DESC LIMIT 1)sql"};

// An answer of Stripe's that said yes stays on record after a later send came to something else.
const pg::Query kMove{"instruction_move", R"sql(
  UPDATE instructions SET state = $4,
         was_unknown = was_unknown OR $4 IN ('unknown', 'needs_review'),
         outcome_code = CASE WHEN outcome_code = 'another_answer' AND $4 IN ('ready', 'unknown')
                             THEN outcome_code ELSE $5 END,
         outcome_message = $6, stripe_id = coalesce($7, stripe_id),
         request_ids = CASE WHEN $8 = '' THEN request_ids ELSE request_ids || $8::text END,
         outcome_at = CASE WHEN $4 IN ('done', 'not_done') THEN $9 ELSE outcome_at END,
         next_look_at = CASE WHEN $4 IN ('done', 'not_done', 'needs_review') THEN NULL
                             ELSE next_look_at END,
         updated = $9
   WHERE organization_id = $1 AND id = $2 AND state = $3)sql",
                      pg::writes_locked(pg::LockedRows::instructions)};

const pg::Query kEndMembers{"instruction_end_payouts", R"sql(
  UPDATE instruction_payouts SET live = false
   WHERE organization_id = $1 AND instruction_id = $2 AND live)sql",
                            pg::writes_locked(pg::LockedRows::instructions)};

const pg::Query kBeginSend{"instruction_begin_send", R"sql(
  UPDATE instructions SET state = 'sending', sends = sends + 1, last_sent_at = $4,
         was_unknown = was_unknown OR $5, first_sent_at = coalesce(first_sent_at, $4),
         absent_since = NULL, updated = $4
   WHERE organization_id = $1 AND id = $2 AND state = $3)sql",
                           pg::writes_locked(pg::LockedRows::instructions)};

const pg::Query kNoteAbsence{"instruction_note_absence", R"sql(
  UPDATE instructions SET state = 'unknown', was_unknown = true,
         absent_since = coalesce(absent_since, $4), updated = $4
   WHERE organization_id = $1 AND id = $2 AND state = $3)sql",
                             pg::writes_locked(pg::LockedRows::instructions)};

const pg::Query kPlan{"instruction_plan", R"sql(
  UPDATE instructions SET looks = $3, next_look_at = $4
   WHERE organization_id = $1 AND id = $2)sql",
                      pg::writes_locked(pg::LockedRows::instructions)};

const pg::Query kUnresolved{"unresolved_instructions", R"sql(
  SELECT count(*) FILTER (WHERE state <> 'needs_review') AS unknown,
         min(first_sent_at) FILTER (WHERE state <> 'needs_review') AS unknown_since,
         count(*) FILTER (WHERE state = 'needs_review') AS needs_review
    FROM instructions WHERE state IN ('sending', 'unknown', 'needs_review'))sql",
                            pg::Tenancy::global};

#define IN_REVIEW                                                                            \
  "SELECT i.organization_id, m.payout_id, i.account, i.amount, i.currency, i.first_sent_at," \
  " i.outcome_code, i.outcome_message"                                                       \
  " FROM instructions i"                                                                     \
  " JOIN instruction_payouts m ON m.organization_id = i.organization_id"                     \
  "                           AND m.instruction_id = i.id"                                   \
  " WHERE i.state = 'needs_review'"

const pg::Query kInReview{"instructions_in_review", IN_REVIEW " ORDER BY i.first_sent_at LIMIT $1",
                          pg::Tenancy::global};
const pg::Query kPayoutInReview{"instruction_in_review", IN_REVIEW " AND m.payout_id = $1 LIMIT 1",
                                pg::Tenancy::global};

const pg::Query kUnsettled{"instructions_unsettled", R"sql(
  SELECT i.organization_id, m.payout_id
    FROM instructions i
    JOIN instruction_payouts m ON m.organization_id = i.organization_id AND m.instruction_id = i.id
   WHERE i.rail = 'stripe_payout' AND i.state IN ('ready', 'sending', 'unknown')
     AND coalesce(i.next_look_at, i.last_sent_at) < $1
   ORDER BY coalesce(i.next_look_at, i.last_sent_at) LIMIT $2)sql",
                           pg::Tenancy::global};

const pg::Query kDueOf{"instructions_due_of_account", R"sql(
  SELECT (SELECT m.payout_id FROM instruction_payouts m
           WHERE m.organization_id = i.organization_id AND m.instruction_id = i.id
           ORDER BY m.payout_id LIMIT 1) AS payout_id
    FROM instructions i
   WHERE i.organization_id = $1 AND i.account = $2 AND i.rail = $3
     AND i.state IN ('ready', 'sending', 'unknown')
     AND coalesce(i.next_look_at, i.last_sent_at) <= $4
   ORDER BY coalesce(i.next_look_at, i.last_sent_at) LIMIT $5)sql"};

// A restart, a failover, a restored folder: another start of a postmaster. A dump that was
// restored: another database, or another table of that name.
const pg::Query kLineage{"database_lineage", R"sql(
  SELECT pg_postmaster_start_time()::text || ' ' || d.oid || ' '
           || pg_relation_filenode('instructions') AS lineage
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

InReview in_review_of(const pg::Row& row) {
  return {.organization = row.get<OrgId>("organization_id"),
          .payout = row.get<PayoutId>("payout_id"),
          .account = row.get<std::string>("account"),
          .money = {row.get<std::int64_t>("amount"), row.get<Currency>("currency")},
          .sent_at = row.get<OptionalTime>("first_sent_at"),
          .code = row.get<OptionalText>("outcome_code"),
          .message = row.get<OptionalText>("outcome_message")};
}

std::vector<PayoutId> members_of(std::string_view ids) {
  std::vector<PayoutId> members;
  while (!ids.empty()) {
    const auto comma = std::min(ids.find(','), ids.size());
    const auto id = PayoutId::parse(ids.substr(0, comma));
    CHECK(id);
    members.push_back(*id);
    ids.remove_prefix(std::min(comma + 1, ids.size()));
  }
  return members;
}

Instruction instruction_of(const pg::Row& row) {
  const auto rail = rail_of(row.get<std::string>("rail"));
  const auto state = instruction_state_of(row.get<std::string>("state"));
  CHECK(rail && state);
  Instruction one;
  one.organization = row.get<OrgId>("organization_id");
  one.id = row.get<InstructionId>("id");
  one.rail = *rail;
  one.members = members_of(row.get<std::string>("members"));
  one.account = row.get<std::string>("account");
  one.money = {row.get<std::int64_t>("amount"), row.get<Currency>("currency")};
  one.attempt = row.get<std::int32_t>("attempt");
  one.key = row.get<std::string>("idempotency_key");
  one.path = row.get<std::string>("request_path");
  one.body = row.get<std::string>("body");
  one.state = *state;
  one.was_unknown = row.get<bool>("was_unknown");
  one.sends = row.get<std::int32_t>("sends");
  one.first_sent_at = row.get<OptionalTime>("first_sent_at");
  one.last_sent_at = row.get<OptionalTime>("last_sent_at");
  one.absent_since = row.get<OptionalTime>("absent_since");
  one.looks = row.get<std::int32_t>("looks");
  one.next_look_at = row.get<OptionalTime>("next_look_at");
  one.outcome_code = row.get<OptionalText>("outcome_code");
  one.outcome_message = row.get<OptionalText>("outcome_message");
  CHECK(!one.members.empty() && one.money.minor > 0);
  CHECK(one.attempt >= 1 && one.sends >= 0 && one.looks >= 0);
  CHECK(!one.key.empty() && !one.path.empty());
  CHECK(!one.account.empty() && one.last_sent_at.has_value() == one.first_sent_at.has_value());
  return one;
}

}  // namespace

void insert(pg::Tx& tx, const Instruction& one, const std::vector<std::int64_t>& member_amounts,
            Time now) {
  CHECK(!one.members.empty() && one.members.size() == member_amounts.size());
  CHECK(std::ranges::adjacent_find(one.members, std::ranges::greater_equal{}) == one.members.end());
  pg::Array<PayoutId> members;
  for (const PayoutId member : one.members) members.add(member);
  pg::Array<std::int64_t> amounts;
  std::int64_t sum = 0;
  for (const std::int64_t amount : member_amounts) {
    CHECK(amount > 0);
    sum = checked_add(sum, amount);
    amounts.add(amount);
  }
  CHECK(sum == one.money.minor);
  CHECK(one.attempt >= 1 && !one.account.empty() && one.state == InstructionState::sending);
  CHECK(!one.key.empty() && one.path.starts_with('/') && !one.body.empty());
  CHECK(!one.next_look_at || *one.next_look_at > now);
  const auto made =
      tx.exec(kInsert, one.organization, one.id, word_of(one.rail), one.account, one.money.minor,
              one.money.currency.str(), one.attempt, one.key, one.path, one.body,
              word_of(InstructionState::sending), now, one.next_look_at);
  CHECK(made.affected() == 1);
  CHECK(tx.exec(kInsertMembers, one.organization, one.id, members, amounts).affected() ==
        one.members.size());
}

std::optional<Instruction> find_of(pg::Tx& tx, OrgId organization, PayoutId payout) {
  const auto row = tx.exec(kFindOf, organization, payout).maybe();
  return row ? std::optional(instruction_of(*row)) : std::nullopt;
}

std::optional<Instruction> lock_of(pg::Tx& tx, OrgId organization, PayoutId payout) {
  const auto row = tx.exec(kLockOf, organization, payout).maybe();
  return row ? std::optional(instruction_of(*row)) : std::nullopt;
}

OptionalText body_of(pg::Tx& tx, OrgId organization, PayoutId payout) {
  const auto row = tx.exec(kBodyOf, organization, payout).maybe();
  return row ? std::optional(row->get<std::string>("body")) : std::nullopt;
}

void move(pg::Tx& tx, const Instruction& known, const Change& change) {
  CHECK(may_become(known.state, change.to) && change.at != Time{});
  CHECK((change.to == InstructionState::done) == !change.stripe_id.value_or("").empty());
  CHECK(change.to == InstructionState::done || change.code);
  const auto moved =
      tx.exec(kMove, known.organization, known.id, word_of(known.state), word_of(change.to),
              change.code, change.message, change.stripe_id, change.request_id, change.at);
  CHECK(moved.affected() == 1);
  if (change.to != InstructionState::not_done) return;
  CHECK(tx.exec(kEndMembers, known.organization, known.id).affected() <= known.members.size());
}

void begin_send(pg::Tx& tx, const Instruction& known, Time now) {
  CHECK(may_become(known.state, InstructionState::sending) && !known.is_settled());
  const auto begun = tx.exec(kBeginSend, known.organization, known.id, word_of(known.state), now,
                             known.was_unknown);
  CHECK(begun.affected() == 1);
}

void note_absence(pg::Tx& tx, const Instruction& known, Time at) {
  CHECK(may_become(known.state, InstructionState::unknown) && !known.is_settled());
  const auto noted = tx.exec(kNoteAbsence, known.organization, known.id, word_of(known.state), at);
  CHECK(noted.affected() == 1);
}

void plan(pg::Tx& tx, const Instruction& known, std::int32_t looks, Time next) {
  CHECK(looks >= known.looks && next != Time{});
  CHECK(tx.exec(kPlan, known.organization, known.id, looks, next).affected() == 1);
}

Unresolved unresolved(pg::Tx& tx) {
  const pg::Row row = tx.exec(kUnresolved).one();
  return {row.get<std::int64_t>("unknown"), row.get<OptionalTime>("unknown_since"),
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

std::vector<Unsettled> unsettled(pg::Tx& tx, Time before, std::int64_t limit) {
  CHECK(limit > 0);
  std::vector<Unsettled> found;
  for (const pg::Row row : tx.exec(kUnsettled, before, limit)) {
    found.push_back({row.get<OrgId>("organization_id"), row.get<PayoutId>("payout_id")});
  }
  return found;
}

std::vector<PayoutId> due_of(pg::Tx& tx, const Due& due) {
  CHECK(due.limit > 0 && !due.account.empty());
  std::vector<PayoutId> found;
  for (const pg::Row row :
       tx.exec(kDueOf, due.organization, due.account, word_of(due.rail), due.before, due.limit)) {
    found.push_back(row.get<PayoutId>("payout_id"));
  }
  return found;
}

std::string lineage(pg::Tx& tx) { return tx.exec(kLineage).one().get<std::string>("lineage"); }

OptionalTime horizon(pg::Tx& tx, OrgId organization, const std::string& account) {
  return tx.exec(kHorizon, organization, account).one().get<OptionalTime>("since");
}

}  // namespace payoutd::rails::instructions_store
