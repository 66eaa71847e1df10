#include "stripe/sim/resources/payouts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/cards.h"
#include "stripe/sim/resources/external_accounts.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

std::int64_t arrival_of(const World& world, const PayoutOrder& order) {
  if (order.arrival != 0) return order.arrival;
  if (order.instant) return midnight(world.now);
  const std::int64_t submitted = order.automatic ? order.effective : midnight(world.now);
  return add_business_days(submitted, world.options.timings.arrival_business_days);
}

OrderedJson payout_object(World& world, const Account& account, const PayoutOrder& order) {
  return {{"id", world.id("po", account)},
          {"object", "payout"},
          {"amount", order.amount},
          {"application_fee", nullptr},
          {"application_fee_amount", nullptr},
          {"arrival_date", arrival_of(world, order)},
          {"automatic", order.automatic},
          {"balance_transaction", nullptr},
          {"created", world.now},
          {"currency", order.currency.str()},
          {"description", or_null(order.description)},
          {"destination", order.destination->id},
          {"failure_balance_transaction", nullptr},
          {"failure_code", nullptr},
          {"failure_message", nullptr},
          {"livemode", world.livemode},
          {"metadata", order.metadata},
          {"method", order.instant ? "instant" : "standard"},
          {"original_payout", or_null(order.original)},
          {"payout_method", nullptr},
          {"reconciliation_status", order.automatic ? "in_progress" : "not_applicable"},
          {"reversed_by", nullptr},
          {"source_type", "card"},
          {"statement_descriptor", or_null(order.statement_descriptor)},
          {"status", order.instant ? "in_transit" : "pending"},
          {"trace_id", {{"status", "pending"}, {"value", nullptr}}},
          {"type", order.destination->kind}};
}

BankFate fate_of(World& world, const Document& payout) {
  const Document* destination = world.store.find(payout.str("destination"));
  if (!destination) return {};  // removed after it was sent: the bank still has it
  if (destination->kind == "bank_account")
    return bank_fate(destination->hidden.value("number", std::string()));
  const auto it = destination->hidden.find("card");
  const Card* card = it == destination->hidden.end() ? nullptr : find_card(it->get<std::string>());
  return card ? BankFate{.failure_code = card->payout_failure} : BankFate{};
}

void charge_instant_fee(World& world, Account& account, const PayoutOrder& order,
                        const std::string& id) {
  const auto fee = (order.amount * world.options.pricing.instant_bps + 5'000) / 10'000;
  if (fee == 0) return;
  post(world, account,
       {.type = row::stripe_fee,
        .amount = -fee,
        .currency = order.currency,
        .description = "Instant payout fee for " + id});
}

void plan(World& world, Document& payout, const PayoutOrder& order) {
  const Timings& timings = world.options.timings;
  if (order.instant)
    world.at(world.now + timings.instant_arrival, [&payout](World& w) { pay_payout(w, payout); });
  else
    world.at(order.automatic ? order.effective : world.now + timings.manual_submit,
             [&payout](World& w) { submit_payout(w, payout); });
  if (order.automatic)
    world.at(world.now + timings.reconciliation, [&payout](World& w) {
      Edit edit(w, payout);
      edit["reconciliation_status"] = "completed";
      edit.emit("payout.reconciliation_completed");
    });
}

// The bank's reference shows up days later, and no event tells of it.
void plan_trace_id(World& world, Document& payout) {
  world.at(world.now + world.options.timings.trace_id, [&payout](World& w) {
    Edit edit(w, payout);
    if (w.random.chance(80))
      edit["trace_id"] = {{"status", "supported"},
                          {"value", fmt::format("{:015}", w.random.between(1, 999'999'999'999))}};
    else edit["trace_id"] = {{"status", "unsupported"}, {"value", nullptr}};
    edit.save();
  });
}

Row& give_back(World& world, Document& payout, RowType type) {
  Account& account = *world.store.account(payout.account);
  return post(
      world, account,
      {.type = type,
       .amount = payout.num("amount"),
       .currency = payout.currency(),
       .source = payout.id,
       .description = type.type == row::payout_cancel.type ? "PAYOUT CANCEL" : "PAYOUT FAILURE"});
}

void mark_errored(World& world, const Document& payout) {
  Document* destination = world.store.find(payout.str("destination"));
  if (!destination || destination->str("status") == "errored") return;
  Account& account = *world.store.account(payout.account);
  Edit edit(world, *destination);
  edit["status"] = "errored";
  edit.emit("account.external_account.updated");
  Edit shown(world, *account.object);
  auto& data = shown["external_accounts"]["data"];
  data = OrderedJson::array();
  for (const Document* each : destinations_of(account)) data.push_back(each->json);
  shown.save();
}

bool due_on(const Account& account, std::int64_t day) {
  static constexpr std::array<std::string_view, 7> kDays = {
      "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
  const PayoutSchedule schedule = schedule_of(account);
  if (schedule.interval == "daily") return true;
  if (schedule.interval == "weekly")
    return kDays[static_cast<std::size_t>(weekday(day))] == schedule.weekly_anchor;
  if (schedule.interval == "monthly")
    return day_of_month(day) == std::min<std::int64_t>(schedule.monthly_anchor, days_in_month(day));
  return false;
}

void run_schedules(World& world) {
  const std::int64_t effective = world.now + world.options.timings.payout_lead;
  for (const auto& account : world.store.accounts()) {
    if (!payouts_enabled(*account) || !due_on(*account, effective)) continue;
    std::vector<Currency> currencies;
    for (const auto& [currency, rows] : account->unswept) currencies.push_back(currency);
    for (const Currency currency : currencies) sweep(world, *account, currency, effective);
  }
  world.at(world.now + kDay, run_schedules);
}

// What stays in the balance: the account's minimum, and what the rail can't carry.
std::int64_t kept_back(const Account& account, Currency currency, std::int64_t sum) {
  std::int64_t kept = 0;
  if (const auto it = account.object->hidden.find("minimum_balance");
      it != account.object->hidden.end())
    kept = it->value(currency.str(), kept);
  return kept + (sum - kept) % currency.payout_step();
}

}  // namespace

Document& make_payout(World& world, Account& account, const PayoutOrder& order) {
  Document& payout = world.store.add(account, payout_object(world, account, order));
  const Row& row =
      post(world, account,
           {.type = row::payout,
            .amount = -order.amount,
            .currency = order.currency,
            .available_on = order.effective,
            .source = payout.id,
            .description = order.description.empty() ? "STRIPE PAYOUT" : order.description});
  if (order.instant) charge_instant_fee(world, account, order, payout.id);
  Edit edit(world, payout);
  edit["balance_transaction"] = row.id;
  edit.emit("payout.created");
  world.payments.push_back({&payout, world.cause.idempotency_key});
  plan(world, payout, order);
  return payout;
}

void start_payout_schedules(World& world) {
  std::int64_t first = midnight(world.now) - world.options.timings.payout_lead;
  while (first <= world.now) first += kDay;
  world.at(first, run_schedules);
}

Document* sweep(World& world, Account& account, Currency currency, std::int64_t effective) {
  Document* destination = default_destination(account, currency.str());
  if (!destination || destination->str("status") == "errored") return nullptr;
  auto& unswept = account.unswept[currency];
  const auto due = [&](const Row* row) { return row->available_on <= effective; };
  std::int64_t sum = 0;
  for (const Row* row : unswept)
    if (due(row)) sum += row->net();
  const std::int64_t kept = kept_back(account, currency, sum);
  if (sum - kept <= 0) return nullptr;
  if (kept > 0)
    post(world, account,
         {.type = row::minimum_hold,
          .amount = -kept,
          .currency = currency,
          .available_on = effective,
          .description = "Minimum balance hold"});
  Document& payout = make_payout(world, account,
                                 {.amount = sum - kept,
                                  .currency = currency,
                                  .destination = destination,
                                  .automatic = true,
                                  .effective = effective,
                                  .description = "STRIPE PAYOUT"});
  auto& members = account.rows_by_payout[payout.id];
  std::ranges::copy_if(unswept, std::back_inserter(members), due);
  std::erase_if(unswept, due);
  for (Row* row : members) row->payout = payout.id;
  if (kept > 0)
    post(world, account,
         {.type = row::minimum_release,
          .amount = kept,
          .currency = currency,
          .available_on = effective,
          .description = "Minimum balance release"});
  return &payout;
}

void submit_payout(World& world, Document& payout) {
  if (payout.str("status") != "pending") return;
  const BankFate fate = fate_of(world, payout);
  if (!fate.failure_code.empty() && !fate.late)
    return fail_payout(world, payout, fate.failure_code);
  Edit edit(world, payout);
  edit["status"] = "in_transit";
  edit.emit("payout.updated");
  world.at(std::max(world.now, payout.num("arrival_date")),
           [&payout](World& w) { pay_payout(w, payout); });
}

void pay_payout(World& world, Document& payout) {
  if (payout.str("status") != "in_transit") return;
  const BankFate fate = fate_of(world, payout);
  if (!fate.failure_code.empty() && !fate.late)
    return fail_payout(world, payout, fate.failure_code);
  Edit edit(world, payout);
  edit["status"] = "paid";
  edit.emit("payout.paid");
  plan_trace_id(world, payout);
  if (fate.late)
    world.at(world.now + world.options.timings.late_failure,
             [&payout, code = std::string(fate.failure_code)](World& w) {
               fail_payout(w, payout, code);
             });
}

void fail_payout(World& world, Document& payout, std::string_view failure_code) {
  const auto status = payout.str("status");
  if (status == "failed" || status == "canceled") return;
  const Row& back = give_back(world, payout, row::payout_failure);
  Edit edit(world, payout);
  edit["status"] = "failed";
  edit["failure_balance_transaction"] = back.id;
  edit["failure_code"] = failure_code;
  edit["failure_message"] = failure_message(failure_code);
  mark_errored(world, payout);
  edit.emit("payout.failed");
}

void cancel_payout(World& world, Document& payout) {
  if (payout.str("status") != "pending") return;
  const Row& back = give_back(world, payout, row::payout_cancel);
  Edit edit(world, payout);
  edit["status"] = "canceled";
  edit["failure_balance_transaction"] = back.id;
  edit.emit("payout.canceled");
}

}  // namespace payoutd::sim
