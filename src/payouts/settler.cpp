#include "payouts/settler.h"

#include <algorithm>

#include "jobs/queue.h"
#include "mirror/mirror_jobs.h"
#include "payouts/look_rules.h"
#include "payouts/payouts.h"

namespace payoutd::payouts {
namespace {

using rails::Match;
using rails::SendVerdict;

// For people: what an answer that decides nothing said.
std::string words_of(const stripe::Answer& answer) {
  if (answer.refusal) return answer.refusal->message;
  return answer.error.message.empty() ? "no answer from Stripe" : answer.error.message;
}

std::string code_of(const stripe::Answer& answer) {
  if (answer.response.replayed && answer.response.status >= 500) return settlement::kReplayedError;
  return answer.error.code;
}

// A replayed answer is as old as the send that it first answered: it shows the payout as made.
Time shown_at(const stripe::Response& answer) {
  if (!answer.replayed) return answer.sent_at;
  const Json json = Json::parse(answer.body, nullptr, false);
  const auto created = json.is_object() ? json.find("created") : json.end();
  if (created == json.end() || !created->is_number_integer()) return answer.sent_at;
  return std::min(answer.sent_at, from_unix(created->get<std::int64_t>()));
}

}  // namespace

std::optional<LockedInstruction> lock_instruction(pg::Tx& tx, OrgId organization, PayoutId payout) {
  // The members never change, so they may be read before they are locked; the latest instruction
  // may be another one by then.
  for (;;) {
    const auto found = rails::instructions_store::find_of(tx, organization, payout);
    if (!found) return std::nullopt;
    auto members = lock_payouts(tx, organization, found->members);
    auto locked = rails::instructions_store::lock_of(tx, organization, payout);
    CHECK(locked && locked->organization == organization);
    CHECK(members.size() == found->members.size() &&
          std::ranges::count(found->members, payout) == 1);
    if (locked->id == found->id) return LockedInstruction{std::move(members), *std::move(locked)};
  }
}

void enqueue_resolve(pg::Tx& tx, OrgId organization, PayoutId payout, Time at) {
  jobs::enqueue(tx, jobs::Job{.kind = kResolveJob,
                              .organization = organization,
                              .payload = {{"payout", payout.str()}},
                              .priority = jobs::Priority::money,
                              .unique_key = payout.str(),
                              .run_at = at,
                              .max_attempts = 1'000});
}

void Settler::look_later(pg::Tx& tx, const rails::Instruction& known, Time now) {
  const Time next = next_look(known, now);
  settlement::plan(tx, known, known.looks, next);
  if (known.looks == 0) enqueue_resolve(tx, known.organization, known.members.front(), next);
}

Result<SendResult> Settler::settle(const rails::Instruction& sent, const stripe::Answer& answer) {
  CHECK(!sent.members.empty() && !sent.key.empty());
  if (answer.outcome == stripe::Outcome::done) {
    const auto verdict = settle_seen(
        sent, {answer.response.body, shown_at(answer.response), answer.response.request_id});
    if (!verdict) return verdict.error();
    return SendResult{*verdict};
  }
  return parts_.db.transact([&](pg::Tx& tx) -> Result<SendResult> {
    const auto locked = lock_instruction(tx, sent.organization, sent.members.front());
    CHECK(locked && locked->instruction.attempt >= sent.attempt);
    // A webhook or another instance has settled it meanwhile, or its attempt has ended.
    if (locked->instruction.is_settled() || locked->instruction.id != sent.id) return SendResult{};
    if (locked->named()) {
      settlement::done(tx, locked->instruction, *locked->named(), answer.response.request_id,
                       parts_.clock.now());
      return SendResult{SendVerdict::done};
    }
    const SendVerdict verdict =
        rails::rail_named(sent.rail).classify(answer, sent, locked->instruction);
    settle_unshown(tx, *locked, verdict, answer);
    return SendResult{verdict, answer.error};
  });
}

void Settler::settle_unshown(pg::Tx& tx, const LockedInstruction& locked, SendVerdict verdict,
                             const stripe::Answer& answer) {
  const rails::Instruction& known = locked.instruction;
  const Time now = parts_.clock.now();
  switch (verdict) {
    case SendVerdict::done: CHECK(false);  // its object tells: settle_seen
    case SendVerdict::refused:
      return settlement::not_done(tx, known, {code_of(answer), words_of(answer)}, now);
    case SendVerdict::not_arrived:
      settlement::not_arrived(tx, known, words_of(answer), now);
      return look_later(tx, known, now);
    case SendVerdict::unknown:
      settlement::unknown(tx, known, {code_of(answer), words_of(answer)}, now);
      return look_later(tx, known, now);
  }
}

Result<SendVerdict> Settler::settle_seen(const rails::Instruction& sent, const SeenObject& seen) {
  CHECK(!sent.members.empty() && seen.sent_at != Time{});
  const rails::Recognised shown = rails::rail_named(sent.rail).recognise(seen.object, sent);
  return parts_.db.transact([&](pg::Tx& tx) -> Result<SendVerdict> {
    mirror::Applied applied;
    if (shown.match != Match::nothing) {
      const mirror::Version version{
          .organization = sent.organization,
          .account = sent.account,
          .object = seen.object,
          .shown_at = std::chrono::floor<std::chrono::seconds>(seen.sent_at),
          .source = mirror::Source::fetch};
      applied = mirror::apply(tx, parts_.appliers, {&version, 1});
    }
    const auto locked = lock_instruction(tx, sent.organization, sent.members.front());
    CHECK(locked && locked->instruction.attempt >= sent.attempt);
    auto verdict = settle_recognised(tx, *locked, shown, seen.request_id);
    mirror::enqueue_follow_ups(tx, applied);
    return verdict;
  });
}

Result<SendVerdict> Settler::settle_recognised(pg::Tx& tx, const LockedInstruction& locked,
                                               const rails::Recognised& shown,
                                               const std::string& request_id) {
  const rails::Instruction& known = locked.instruction;
  const auto& named = locked.named();
  CHECK((shown.match == Match::nothing) == shown.stripe_id.empty());
  const Time now = parts_.clock.now();
  if (named && (named == shown.stripe_id || shown.match != Match::its_payment)) {
    const bool by_this = named == shown.stripe_id;
    settlement::done(tx, known, *named, by_this ? request_id : "", now);
    return SendVerdict::done;
  }
  if (named) {
    settlement::needs_review(
        tx, known,
        {settlement::kSecondObject, "Stripe has a second payout of it: " + shown.stripe_id}, now);
    return SendVerdict::done;
  }
  if (known.is_settled()) return SendVerdict::done;
  if (shown.match == Match::another_amount) {
    settlement::needs_review(tx, known,
                             {settlement::kAnotherObject,
                              "Stripe's payout of it has another amount: " + shown.stripe_id},
                             now);
    return SendVerdict::done;
  }
  const bool nothing = shown.match == Match::nothing;
  settlement::unknown(tx, known,
                      {nothing ? settlement::kAnotherAnswer : settlement::kNotKept,
                       nothing ? "Stripe's answer does not show the payout"
                               : "Stripe shows the payout, and it could not be written down"},
                      now);
  look_later(tx, known, now);
  return SendVerdict::unknown;
}

}  // namespace payoutd::payouts
