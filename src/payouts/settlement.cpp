#include "payouts/settlement.h"

#include "base/log.h"

namespace payoutd::payouts::settlement {
namespace {

using moves_store::Cause;
using rails::InstructionState;
namespace instructions_store = rails::instructions_store;

struct Sides {
  std::vector<PayoutId> moving, standing;
};

// Which members stand in `from`; the others CHECK to stand in `to` already, unless Stripe has shown
// them: what it says of a payout stands.
Sides split(pg::Tx& tx, const Instruction& one, Statuses from, Status to) {
  CHECK(!one.members.empty() && !from.contains(to));
  Sides sides;
  for (const moves_store::Standing& member :
       moves_store::standing(tx, one.organization, one.members)) {
    if (member.shown_by_stripe) continue;
    const auto status = member.status.known();
    CHECK(status && (from.contains(*status) || *status == to));
    (*status == to ? sides.standing : sides.moving).push_back(member.id);
  }
  return sides;
}

// Moves the members that stand in `from`; those that stand in `to` already stay as they are.
void move_members(pg::Tx& tx, const Instruction& one, Statuses from, Status to,
                  const Cause& cause) {
  const Sides sides = split(tx, one, from, to);
  if (sides.moving.empty()) return;
  moves_store::move(tx, {one.organization, sides.moving, from, to}, cause);
}

void note_transactions(pg::Tx& tx, const Instruction& one, const Cause& cause) {
  for (const PayoutId member : one.members) moves_store::note(tx, one.organization, member, cause);
}

void unplan_members(pg::Tx& tx, const Instruction& one) {
  for (const PayoutId member : one.members)
    moves_store::plan(tx, one.organization, member, std::nullopt);
}

// A payout whose request certainly never arrived waits as queued. Once only lists can tell its
// outcome, it is no longer to be sent.
void stop_queueing(pg::Tx& tx, const Instruction& one, const Cause& cause) {
  const Sides sides = split(tx, one, {Status::queued}, Status::processing);
  if (sides.moving.empty()) return;
  moves_store::move(tx, {one.organization, sides.moving, {Status::queued}, Status::processing},
                    cause);
}

void fail(pg::Tx& tx, const Instruction& known, const Why& why, Cause cause) {
  CHECK(!why.code.empty() && !known.members.empty());
  stop_queueing(tx, known, {.kind = "lists_decide", .at = cause.at});
  instructions_store::move(
      tx, known,
      {.to = InstructionState::not_done, .code = why.code, .message = why.message, .at = cause.at});
  unplan_members(tx, known);
  cause.failure_code = why.code;
  cause.failure_message = why.message;
  move_members(tx, known, {Status::processing}, Status::failed, cause);
}

}  // namespace

void sending(pg::Tx& tx, const Instruction& known, Time now) {
  CHECK(!known.is_settled() && known.sends >= 1);
  instructions_store::begin_send(tx, known, now);
  const Cause sent{.kind = "sent", .at = now, .news_only = true};
  const Sides sides = split(tx, known, {Status::queued}, Status::processing);
  if (!sides.moving.empty()) {
    moves_store::move(tx, {known.organization, sides.moving, {Status::queued}, Status::processing},
                      sent);
  }
  for (const PayoutId member : sides.standing)
    moves_store::note(tx, known.organization, member, sent);
  for (const PayoutId member : known.members)
    moves_store::count_sends(tx, known.organization, member, known.sends + 1);
}

void done(pg::Tx& tx, const Instruction& known, const std::string& stripe_id,
          const std::string& request_id, Time now) {
  CHECK(!stripe_id.empty());
  if (known.state == InstructionState::done) return;
  if (known.state == InstructionState::not_done) {
    log::error("what was settled as not done shows at the rail",
               {{"instruction", known.id.str()}, {"stripe_id", stripe_id}});
    needs_review(tx, known,
                 {kDoneAfterNotDone, "it was settled as not done, and Stripe shows " + stripe_id},
                 now);
    return;
  }
  instructions_store::move(
      tx, known,
      {.to = InstructionState::done, .stripe_id = stripe_id, .request_id = request_id, .at = now});
  unplan_members(tx, known);
}

void not_done(pg::Tx& tx, const Instruction& known, const Why& why, Time now) {
  fail(tx, known, why, {.kind = "refused", .actor = "stripe", .notes = why.message, .at = now});
}

void not_paid(pg::Tx& tx, const Instruction& known, const Decision& decision, Time now) {
  CHECK(known.state == InstructionState::needs_review);
  CHECK(!decision.actor.empty() && !decision.reason.empty());
  fail(tx, known, {"not_paid", decision.reason},
       {.kind = "reviewed", .actor = decision.actor, .notes = decision.reason, .at = now});
}

void not_arrived(pg::Tx& tx, const Instruction& known, const std::string& message, Time now) {
  CHECK(!known.is_settled());
  instructions_store::move(
      tx, known,
      {.to = InstructionState::ready, .code = "not_arrived", .message = message, .at = now});
  const Cause cause{.kind = "not_arrived", .notes = message, .at = now, .news_only = true};
  move_members(tx, known, {Status::processing}, Status::queued, cause);
}

void unknown(pg::Tx& tx, const Instruction& known, const Why& why, Time now) {
  CHECK(!why.code.empty() && !known.is_settled());
  instructions_store::move(
      tx, known,
      {.to = InstructionState::unknown, .code = why.code, .message = why.message, .at = now});
  note_transactions(tx, known,
                    {.kind = kOutcomeUnknown,
                     .notes = why.message,
                     .detail = {{"code", why.code}},
                     .at = now,
                     .news_only = true});
}

void absent(pg::Tx& tx, const Instruction& known, Time at, Time now) {
  CHECK(!known.is_settled());
  instructions_store::note_absence(tx, known, at);
  stop_queueing(tx, known, {.kind = "lists_decide", .at = now});
}

void needs_review(pg::Tx& tx, const Instruction& known, const Why& why, Time now) {
  CHECK(!why.code.empty());
  if (known.state == InstructionState::needs_review) return;  // a person is to look already
  instructions_store::move(
      tx, known,
      {.to = InstructionState::needs_review, .code = why.code, .message = why.message, .at = now});
  unplan_members(tx, known);
  for (const PayoutId member : known.members) {
    moves_store::note(tx, known.organization, member,
                      {.kind = kNeedsReview, .notes = why.message, .at = now});
  }
}

void canceled(pg::Tx& tx, const Instruction& known, const std::string& actor, Time now) {
  CHECK(known.state == InstructionState::ready);
  instructions_store::move(tx, known,
                           {.to = InstructionState::not_done, .code = "canceled", .at = now});
  unplan_members(tx, known);
  move_members(tx, known, {Status::queued}, Status::canceled,
               {.kind = "canceled", .actor = actor, .at = now});
}

void plan(pg::Tx& tx, const Instruction& known, std::int32_t looks, Time next) {
  CHECK(!known.is_settled());
  instructions_store::plan(tx, known, looks, next);
  for (const PayoutId member : known.members)
    moves_store::plan(tx, known.organization, member, next);
}

}  // namespace payoutd::payouts::settlement
