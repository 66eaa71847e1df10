#include "payouts/resolver.h"

#include <algorithm>

#include "base/log.h"
#include "payouts/look_rules.h"
#include "payouts/payouts.h"
#include "stripe/pages.h"

namespace payoutd::payouts {
namespace {

using namespace std::chrono_literals;
using rails::Instruction;
using rails::InstructionState;
using rails::SendVerdict;
namespace instructions_store = rails::instructions_store;

constexpr std::int64_t kOthersAtOnce = 200;  // of one account, by one list

Error unresolved(const Instruction& instruction) {
  return Error{Kind::retry, settlement::kOutcomeUnknown,
               "what became of the payout at Stripe is not known yet: " +
                   instruction.outcome_message.value_or("it is being sent")};
}

Error later(const Error& error) { return Error{Kind::retry, error.code, error.message}; }

}  // namespace

Result<void> Resolver::resolve(OrgId organization, PayoutId id) {
  const auto own = next_step(organization, id);
  if (!own) return own.error();
  return resolve_with(*own, {}, [] { return true; });
}

Result<void> Resolver::resolve_account(OrgId organization, PayoutId id,
                                       const std::function<bool()>& go_on) {
  const auto own = next_step(organization, id);
  if (!own) return own.error();
  const bool looks = own->next == Next::send || own->next == Next::look;
  return resolve_with(*own, looks ? others_due(*own->instruction) : std::vector<Step>{}, go_on);
}

// An undecided one among the others stops none of the rest.
Result<void> Resolver::resolve_with(const Step& own, std::vector<Step> others,
                                    const std::function<bool()>& go_on) {
  if (own.next == Next::nothing) return {};
  CHECK(own.instruction);
  if (own.next == Next::wait) return unresolved(*own.instruction);
  const Instruction& first = *own.instruction;
  const auto header = parts_.stripe_header(first.organization, first.account);
  if (!header) return later(header.error());
  std::vector<Instruction> all{first};
  for (const Step& other : others) {
    CHECK(other.instruction && other.instruction->id != first.id);
    all.push_back(*other.instruction);
  }
  const Time began = parts_.clock.now();
  const auto seen = look_for(all, *header);
  if (!seen) return later(seen.error());
  CHECK(seen->size() == all.size());
  const auto decided = decide({own, began, seen->front()}, *header);
  for (std::size_t i = 0; i < others.size() && go_on(); ++i) {
    const auto other = decide({others[i], began, (*seen)[i + 1]}, *header);
    if (!other && other.error().kind != Kind::retry) {
      log::info("a payout was refused",
                {{"payout", all[i + 1].members.front().str()}, {"code", other.error().code}});
    }
  }
  return decided;
}

Result<void> Resolver::decide(const Look& look, const std::string& header) {
  CHECK(look.step.instruction && look.began != Time{});
  const Instruction& instruction = *look.step.instruction;
  if (look.seen) {
    const auto verdict = settler_.settle_seen(instruction, *look.seen);
    if (!verdict) return later(verdict.error());
    if (*verdict == SendVerdict::unknown) return unresolved(instruction);
    return {};
  }
  if (look.step.next == Next::look) return count_absence(instruction, look.began);
  parts_.settings.at("looked");
  return send_again(instruction, header);
}

Result<Resolver::Step> Resolver::next_step(OrgId organization, PayoutId id) {
  return parts_.db.transact([&](pg::Tx& tx) -> Result<Step> {
    const auto locked = lock_instruction(tx, organization, id);
    if (!locked) {
      const auto known = find_payout(tx, organization, id.str());
      return known ? Result<Step>(Step{}) : known.error();
    }
    if (locked->instruction.state == InstructionState::done) return Step{};
    Instruction instruction = locked->instruction;
    const Time now = parts_.clock.now();
    // Stripe's word stands, but where a person has to compare it with what was decided before.
    const bool compared = instruction.outcome_code == settlement::kSecondObject ||
                          instruction.outcome_code == settlement::kDoneAfterNotDone;
    if (locked->named() && !compared) {
      settlement::done(tx, instruction, *locked->named(), "", now);
      return Step{};
    }
    if (instruction.is_settled()) return Step{};
    if (instruction.state == InstructionState::sending &&
        now - instruction.last_sent_at.value_or(now) < kSendTakes) {
      return Step{Next::wait, instruction};
    }
    if (instruction.next_look_at && now < *instruction.next_look_at)
      return Step{Next::wait, instruction};
    const auto age = now - instruction.first_sent_at.value_or(now);
    if (age > kGiveUp) {
      settlement::needs_review(
          tx, instruction, {settlement::kNeedsReview, "a week of looking decided nothing"}, now);
      return Step{};
    }
    ++instruction.looks;
    settlement::plan(tx, instruction, instruction.looks, next_look(instruction, now));
    const bool key_lives = age < kKeyLife && instruction.outcome_code != settlement::kReplayedError;
    return Step{key_lives ? Next::send : Next::look, instruction};
  });
}

std::vector<Resolver::Step> Resolver::others_due(const Instruction& own) {
  const auto due = parts_.db.transact([&](pg::Tx& tx) -> Result<std::vector<PayoutId>> {
    return instructions_store::due_of(
        tx, {own.organization, own.account, own.rail, parts_.clock.now(), kOthersAtOnce});
  });
  std::vector<Step> steps;
  if (!due) return steps;
  for (const PayoutId id : *due) {
    const auto step = next_step(own.organization, id);
    if (step && (step->next == Next::send || step->next == Next::look)) steps.push_back(*step);
  }
  return steps;
}

Result<std::vector<std::optional<SeenObject>>> Resolver::look_for(std::span<const Instruction> all,
                                                                  const std::string& header) {
  CHECK(!all.empty());
  for (const Instruction& one : all) {
    CHECK(one.account == all.front().account && one.rail == all.front().rail);
    CHECK(one.organization == all.front().organization);
  }
  const rails::Rail& rail = rails::rail_named(all.front().rail);
  Time since = parts_.clock.now();
  for (const Instruction& one : all) since = std::min(since, one.first_sent_at.value_or(since));
  stripe::Pages pages = parts_.client.list(
      {.path = std::string(rail.list_path()),
       .query = stripe::Form{}.add("created[gte]", to_unix(since - kClocksDiffer)),
       .account = header,
       .priority = stripe::Priority::money,
       .retries = stripe::Retries::money()});
  struct Found {
    std::optional<SeenObject> own{}, other{};  // another amount: its own goes before
  };
  std::vector<Found> found(all.size());
  for (const stripe::Page& page : pages) {
    for (const rails::RecognisedItem& item : rail.recognise(page, all)) {
      CHECK(item.instruction < found.size() && item.item < page.items.size());
      Found& of = found[item.instruction];
      auto& into = item.as.match == rails::Match::its_payment ? of.own : of.other;
      if (!into) {
        into = SeenObject{std::string(page.items[item.item].raw), page.sent_at,
                          std::string(page.request_id)};
      }
    }
    // The rest of the list decides nothing once the only one that was looked for is found.
    if (all.size() == 1 && found.front().own) return std::vector{std::move(found.front().own)};
  }
  if (auto whole = pages.finished(); !whole) return whole.error();
  std::vector<std::optional<SeenObject>> seen;
  for (Found& one : found) seen.push_back(std::move(one.own ? one.own : one.other));
  return seen;
}

Result<void> Resolver::send_again(const Instruction& looked_for, const std::string& header) {
  const Allowed allowed{.at = parts_.clock.now()};
  std::optional<Instruction> begun;
  const auto committed = parts_.db.transact([&](pg::Tx& tx) -> Result<void> {
    begun = begin_send(tx, looked_for, allowed.at);
    return {};
  });
  if (!committed) return committed.error();
  if (!begun) return unresolved(looked_for);
  const auto result = sender_.send({*begun, header, allowed});
  if (!result) return later(result.error());
  switch (result->verdict) {
    case SendVerdict::done: return {};
    case SendVerdict::refused: return result->refusal;
    case SendVerdict::unknown: return unresolved(*begun);
    case SendVerdict::not_arrived: break;
  }
  return Error{Kind::retry, "not_arrived",
               "Stripe could not be reached, or asked to wait: it is sent again later"};
}

// The instruction as it is sent now; nothing where it was canceled, settled, shown by Stripe, or
// sent by somebody else while the list was read.
std::optional<Instruction> Resolver::begin_send(pg::Tx& tx, const Instruction& looked_for,
                                                Time now) {
  const auto locked = lock_instruction(tx, looked_for.organization, looked_for.members.front());
  if (!locked || locked->instruction.id != looked_for.id) return std::nullopt;
  Instruction instruction = locked->instruction;
  if (instruction.is_settled() || instruction.sends != looked_for.sends) return std::nullopt;
  if (locked->named()) {
    settlement::done(tx, instruction, *locked->named(), "", now);
    return std::nullopt;
  }
  // A key is never sent on a decision that has become old.
  if (now - instruction.first_sent_at.value_or(now) >= kKeyLife) return std::nullopt;
  // Its sender ended meanwhile: the request may have arrived.
  if (instruction.state == InstructionState::sending) instruction.was_unknown = true;
  // Byte for byte what was committed, and what the payout says.
  CHECK(instruction.key == looked_for.key && instruction.body == looked_for.body);
  CHECK(instruction.money == looked_for.money && instruction.members == looked_for.members);
  CHECK(instruction.members.size() > 1 || locked->members.front().money == instruction.money);
  settlement::sending(tx, instruction, now);
  settlement::plan(tx, instruction, instruction.looks,
                   std::max(next_look(instruction, now), now + kSendTakes));
  ++instruction.sends;
  return instruction;
}

Result<void> Resolver::count_absence(const Instruction& instruction, Time began) {
  const auto proven = parts_.db.transact([&](pg::Tx& tx) -> Result<bool> {
    const auto locked = lock_instruction(tx, instruction.organization, instruction.members.front());
    if (!locked || locked->instruction.is_settled() || locked->named()) return true;
    const Instruction& known = locked->instruction;
    const Time now = parts_.clock.now();
    CHECK(known.attempt >= instruction.attempt);
    const Time last_sent = known.last_sent_at.value_or(began);
    if (last_sent > began) return false;  // sent while this list was read
    if (last_sent + kQuiet <= began && known.absent_since && *known.absent_since < began) {
      // Stripe has said yes to something: no list proves that it was nothing.
      if (known.outcome_code == settlement::kAnotherAnswer) {
        settlement::needs_review(tx, known,
                                 {settlement::kAnotherAnswer,
                                  "Stripe's answer was a success, and no list shows the payout"},
                                 now);
      } else {
        settlement::not_done(
            tx, known, {"not_at_stripe", "two complete lists of Stripe's do not show it"}, now);
      }
      return true;
    }
    settlement::absent(tx, known, began, now);
    // The next list decides, as soon as it may.
    if (!known.absent_since)
      settlement::plan(tx, known, known.looks, std::max(last_sent + kQuiet, now + kFirstLook));
    return false;
  });
  if (!proven) return proven.error();
  if (!*proven) return unresolved(instruction);
  return {};
}

std::chrono::milliseconds Resolver::until_next_look(OrgId organization, PayoutId id) {
  const auto next = parts_.db.transact([&](pg::Tx& tx) -> Result<OptionalTime> {
    const auto known = instructions_store::find_of(tx, organization, id);
    return known ? known->next_look_at : OptionalTime{};
  });
  const Time now = parts_.clock.now();
  if (!next || !*next) return kFirstLook;
  return std::max<std::chrono::milliseconds>(
      1s, std::chrono::ceil<std::chrono::milliseconds>(**next - now));
}

}  // namespace payoutd::payouts
