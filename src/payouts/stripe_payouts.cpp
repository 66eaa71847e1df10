#include "payouts/stripe_payouts.h"

#include <fmt/format.h>

#include "base/log.h"
#include "payouts/in_doubt.h"
#include "payouts/look_rules.h"
#include "payouts/payouts.h"
#include "stripe/metadata_keys.h"

namespace payoutd::payouts {
namespace {

rails::Order order_of(const StripePayouts::Wanted& wanted, PayoutId id) {
  return {.payout = id,
          .attempt = 1,
          .money = wanted.money,
          .method = wanted.method,
          .description = wanted.description,
          .request_key = wanted.external_id,
          .metadata = wanted.metadata};
}

rails::OrderRequest request_of(const StripePayouts::Wanted& wanted, PayoutId id) {
  return rails::rail_named(rails::RailName::stripe_payout).request(order_of(wanted, id));
}

moves_store::NewPayout payout_of(const StripePayouts::Wanted& wanted) {
  return {.organization = wanted.account.organization,
          .id = PayoutId::make(),
          .account = wanted.account.id(),
          .money = wanted.money,
          .method = wanted.method,
          .description = wanted.description,
          .external_id = wanted.external_id,
          .metadata = wanted.metadata,
          .actor = wanted.actor};
}

rails::Instruction instruction_of(const StripePayouts::Wanted& wanted,
                                  const moves_store::NewPayout& payout) {
  rails::OrderRequest request = request_of(wanted, payout.id);
  return {.organization = payout.organization,
          .id = InstructionId::make(),
          .rail = rails::RailName::stripe_payout,
          .members = {payout.id},
          .account = payout.account,
          .money = payout.money,
          .attempt = 1,
          .key = "payoutd-" + payout.id.str() + "-1",
          .path = std::move(request.path),
          .body = std::move(request.body)};
}

// The caller's metadata: without our own keys, and without empty values, which Stripe does not
// keep.
Json given_metadata(const Json& metadata) {
  Json given = Json::object();
  for (const auto& [key, value] : metadata.items()) {
    if (key != stripe::kPayoutIdKey && key != stripe::kAttemptKey && key != stripe::kRequestKey &&
        value != "")
      given[key] = value;
  }
  return given;
}

// The fields in which a request differs from the one that a key was used for.
std::string differences(const StripePayouts::Wanted& wanted, const AskedFor& asked) {
  std::string names;
  const auto note = [&](bool differs, const char* name) {
    if (differs) names += (names.empty() ? "" : ", ") + std::string(name);
  };
  note(asked.money.minor != wanted.money.minor, "amount");
  note(asked.money.currency != wanted.money.currency, "currency");
  note(asked.account != wanted.account.id(), "account");
  note(asked.method.value_or("standard") != wanted.method, "method");
  note(asked.description.value_or("") != wanted.description.value_or(""), "description");
  note(given_metadata(asked.metadata) != given_metadata(wanted.metadata), "metadata");
  return names;
}

// A key is for one request. The layer of Idempotency-Keys sees to that, but for keys that a
// restored database has forgotten.
std::optional<Error> asks_for_another(const StripePayouts::Wanted& wanted, const AskedFor& asked) {
  const std::string names = differences(wanted, asked);
  if (names.empty()) return std::nullopt;
  // Metadata may have been edited at Stripe since: what was sent tells.
  const bool same_account = asked.account == wanted.account.id();
  if (same_account && asked.body == request_of(wanted, asked.id).body) return std::nullopt;
  return Error{
      Kind::unprocessable, "idempotency_key_reused",
      fmt::format("this Idempotency-Key asked for payout {}, which differs in {}: a key is "
                  "for one request",
                  asked.id.str(), names)};
}

}  // namespace

Result<std::optional<PayoutId>> StripePayouts::asked_before(const Wanted& wanted) {
  if (auto ours = parts_.own_account.check(wanted.account); !ours) return ours.error();
  using Found = std::optional<AskedFor>;
  const OrgId organization = wanted.account.organization;
  bool matched = false;
  const auto find = [&](pg::Tx& tx) -> Result<Found> {
    matched = restored_.is_matched(tx, wanted.account);
    if (!wanted.external_id) return Found{};
    return find_by_external_id(tx, organization, *wanted.external_id);
  };
  auto found = parts_.db.transact(find);
  if (found && !*found && !matched) {
    if (auto done = restored_.match(wanted.account); !done) return done.error();
    found = parts_.db.transact(find);
  }
  if (!found) return found.error();
  if (!*found) return std::optional<PayoutId>{};
  if (auto another = asks_for_another(wanted, **found)) return *another;
  const PayoutId id = (*found)->id;
  const auto known = or_in_doubt(may_be_paid(id, wanted.external_id),
                                 [&] { return resolver_.resolve(organization, id); });
  if (!known && known.error().kind != Kind::retry) return known.error();
  return std::optional<PayoutId>(id);
}

Result<PayoutId> StripePayouts::pay_out(const Wanted& wanted) {
  // Also makes sure that this database has seen every payout that Stripe has.
  const auto before = asked_before(wanted);
  if (!before) return before.error();
  if (*before) return **before;
  return pay_out_anew(wanted);
}

Result<PayoutId> StripePayouts::pay_out_anew(const Wanted& wanted) {
  CHECK(wanted.money.minor > 0 && !wanted.method.empty());
  const moves_store::NewPayout payout = payout_of(wanted);
  const Allowed allowed{.at = parts_.clock.now()};
  rails::Instruction instruction = instruction_of(wanted, payout);
  // Should this process end now, another finds out what became of it.
  instruction.next_look_at = allowed.at + kSendTakes;
  const auto made = commit_intent(wanted, payout, instruction, allowed.at);
  if (!made) return made.error();
  if (!*made) {
    // Another thread began the same request meanwhile: it goes on from there, under the same key.
    const auto other = asked_before(wanted);
    if (!other) return other.error();
    if (*other) return **other;
    return Error{Kind::retry, "payout_in_progress", "the same payout was just refused: ask again"};
  }
  return or_in_doubt(may_be_paid(payout.id, wanted.external_id), [&]() -> Result<PayoutId> {
    const auto result =
        sender_.send_and_wait({instruction, std::string(wanted.account.stripe_header()), allowed},
                              parts_.settings.caller_waits);
    if (result && !*result) return may_be_paid(payout.id, wanted.external_id);
    if (result && (*result)->verdict == rails::SendVerdict::refused) return (*result)->refusal;
    parts_.settings.at("kept");
    return payout.id;
  });
}

// False: the payout is there already. A commit in doubt may stand: then the job that it made sends
// the payout.
Result<bool> StripePayouts::commit_intent(const Wanted& wanted,
                                          const moves_store::NewPayout& payout,
                                          const rails::Instruction& instruction, Time now) {
  CHECK(instruction.money == payout.money && instruction.account == payout.account);
  CHECK(instruction.members == std::vector{payout.id} && instruction.next_look_at > now);
  try {
    return parts_.db.transact([&](pg::Tx& tx) -> Result<bool> {
      if (!restored_.is_matched(tx, wanted.account)) {
        return Error{Kind::retry, "database_changed",
                     "the database was started again meanwhile: ask again"};
      }
      if (!moves_store::insert(tx, payout, *instruction.next_look_at, now)) return false;
      rails::instructions_store::insert(tx, instruction, {payout.money.minor}, now);
      enqueue_resolve(tx, payout.organization, payout.id, *instruction.next_look_at);
      return true;
    });
  } catch (const pg::InDoubt& lost) {
    log::error("the commit of a payout is in doubt",
               {{"payout", payout.id.str()}, {"what", std::string_view(lost.what())}});
    return may_be_paid(payout.id, wanted.external_id);
  }
}

}  // namespace payoutd::payouts
