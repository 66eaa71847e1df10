#include "stripe/sim/acts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/customers.h"
#include "stripe/sim/resources/disputes.h"
#include "stripe/sim/resources/external_accounts.h"
#include "stripe/sim/resources/payment_intents.h"
#include "stripe/sim/resources/payment_methods.h"
#include "stripe/sim/resources/payouts.h"
#include "stripe/sim/resources/products.h"
#include "stripe/sim/resources/refunds.h"
#include "stripe/sim/resources/subscriptions.h"
#include "stripe/sim/resources/transfers.h"
#include "stripe/sim/world/events.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

constexpr std::int64_t kRecent = 60;  // acts look back at this many objects

Currency currency_of(const Account& account) {
  return *Currency::parse(account.object->str("default_currency"));
}

// One of the newest objects of a kind that fits: a few by chance, then the newest that does.
template <class Fits>
Document* pick(World& world, Account& account, std::string_view kind, Fits fits) {
  const auto it = account.documents.find(kind);
  if (it == account.documents.end() || it->second.empty()) return nullptr;
  const auto& all = it->second;
  const auto size = static_cast<std::int64_t>(all.size());
  for (int attempt = 0; attempt < 12; ++attempt) {
    const auto back = world.random.between(1, std::min(size, kRecent));
    Document* found = all[static_cast<std::size_t>(size - back)];
    if (found->listed && fits(*found)) return found;
  }
  for (std::int64_t back = 1; back <= std::min(size, kRecent); ++back)
    if (Document* found = all[static_cast<std::size_t>(size - back)]; found->listed && fits(*found))
      return found;
  return nullptr;
}

Document& customer_of(World& world, Account& account, const char* card) {
  static constexpr std::array kNames = {"Ada Okafor", "Ben Lindqvist", "Chiara Russo", "Deniz Kaya",
                                        "Elin Berg",  "Farid Haddad",  "Grace Tan",    "Hugo Meyer",
                                        "Ines Costa", "Jonas Weber"};
  const auto name =
      std::string(kNames[static_cast<std::size_t>(world.random.between(0, kNames.size() - 1))]);
  const auto method = make_method(world, account, *find_card(card)).id;
  const auto number = account.documents["customer"].size() + 1;
  return make_customer(world, account,
                       {.email = fmt::format("customer{}@example.com", number),
                        .name = name,
                        .payment_method = method});
}

Document& some_customer(World& world, Account& account) {
  const auto payer = [](const Document& c) { return !default_method(c).empty(); };
  if (!world.random.chance(18))
    if (Document* known = pick(world, account, "customer", payer)) return *known;
  return customer_of(world, account,
                     world.random.chance(70) ? "pm_card_visa" : "pm_card_mastercard");
}

void share_with_connected(World& world, const Account& account, ChargeOrder& order) {
  if (account.connected()) {
    if (world.random.chance(60)) order.application_fee = order.amount / 10;
    return;
  }
  std::vector<std::string> sellers;
  for (const auto& each : world.store.accounts())
    if (each->platform == account.id && !each->object->hidden.contains("second_tenant"))
      sellers.push_back(each->id);
  if (sellers.empty() || !world.random.chance(40)) return;
  order.destination = sellers[static_cast<std::size_t>(
      world.random.between(0, static_cast<std::int64_t>(sellers.size()) - 1))];
  if (world.random.chance(75)) order.application_fee = order.amount * 15 / 100;
  else order.transfer_amount = order.amount * 80 / 100;
}

ChargeOrder some_order(World& world, Account& account) {
  ChargeOrder order{.amount = world.random.between(800, 24'000), .currency = currency_of(account)};
  if (world.random.chance(6)) {
    order.currency = *Currency::parse(world.random.chance(50) ? "jpy" : "cad");
    order.amount = world.random.between(1'500, 30'000);
  }
  order.description = fmt::format("Order {}", world.random.between(10'000, 99'999));
  order.metadata = {{"order_id", fmt::format("{}", world.random.between(10'000, 99'999))}};
  return order;
}

std::string pay(World& world, Account& account, ChargeOrder order) {
  Document& intent = make_intent(world, account, {.charge = std::move(order)});
  (void)confirm_intent(world, account, intent);  // a decline is an outcome like any other here
  return intent.str("latest_charge");
}

std::string charge(World& world, Account& account) {
  ChargeOrder order = some_order(world, account);
  const Document& customer = some_customer(world, account);
  order.customer = customer.id;
  order.payment_method = default_method(customer);
  share_with_connected(world, account, order);
  return pay(world, account, std::move(order));
}

std::string failed_charge(World& world, Account& account) {
  ChargeOrder order = some_order(world, account);
  order.payment_method = world.random.chance(50) ? "pm_card_visa_chargeDeclined"
                                                 : "pm_card_visa_chargeDeclinedInsufficientFunds";
  return pay(world, account, std::move(order));
}

bool refundable_charge(const Document& c) {
  return c.str("status") == "succeeded" && c.flag("captured") && !c.flag("disputed") &&
         refundable_of(c) > 0 && c.hidden.contains("card");
}

std::string refund(World& world, Account& account) {
  Document* found = pick(world, account, "charge", refundable_charge);
  if (!found) return "";
  const auto left = refundable_of(*found);
  const bool whole = left < 2 || world.random.chance(60);
  return make_refund(world, account, *found,
                     {.amount = whole ? left : left / 2,
                      .reason = "requested_by_customer",
                      .reverse_transfer = !found->str("transfer").empty(),
                      .refund_application_fee = !found->str("application_fee").empty()})
      .id;
}

std::string dispute(World& world, Account& account) {
  ChargeOrder order = some_order(world, account);
  order.currency = currency_of(account);
  order.payment_method =
      world.random.chance(70) ? "pm_card_createDispute" : "pm_card_createDisputeProductNotReceived";
  pay(world, account, std::move(order));
  Document& made = *account.documents["dispute"].back();
  const bool won = world.random.chance(40);
  world.at(world.now + world.options.timings.dispute,
           [&made, won](World& w) { close_dispute(w, made, won); });
  return made.id;
}

std::string customer(World& world, Account& account) {
  return customer_of(world, account, "pm_card_visa").id;
}

std::string deleted_customer(World& world, Account& account) {
  Document* found = pick(world, account, "customer", [](const Document&) { return true; });
  if (!found) return "";
  delete_customer(world, *found);
  return found->id;
}

Document& some_price(World& world, Account& account) {
  auto& prices = account.documents["price"];
  if (prices.empty()) {
    const std::array<std::pair<const char*, std::int64_t>, 3> plans = {
        {{"Starter", 1'900}, {"Team", 4'900}, {"Studio", 12'900}}};
    for (const auto& [name, amount] : plans)
      make_price(world, account,
                 {.product_name = name,
                  .unit_amount = amount,
                  .currency = currency_of(account),
                  .interval = "month",
                  .nickname = name});
    make_price(world, account,
               {.product_name = "Studio, yearly",
                .unit_amount = 129'000,
                .currency = currency_of(account),
                .interval = "year",
                .nickname = "Studio yearly"});
  }
  return *prices[static_cast<std::size_t>(
      world.random.between(0, static_cast<std::int64_t>(prices.size()) - 1))];
}

std::string subscribe(World& world, Account& account, bool on_trial) {
  SubscriptionOrder order{.customer = &customer_of(world, account, "pm_card_visa"),
                          .items = {{&some_price(world, account), world.random.between(1, 3)}}};
  if (on_trial) order.trial_end = world.now + 14 * kDay;
  return make_subscription(world, account, order).id;
}

std::string subscription(World& world, Account& account) {
  return subscribe(world, account, world.random.chance(25));
}
std::string trial(World& world, Account& account) { return subscribe(world, account, true); }

bool running(const Document& s) {
  return s.str("status") == "active" || s.str("status") == "trialing";
}

std::string canceled_subscription(World& world, Account& account) {
  Document* found = pick(world, account, "subscription", running);
  if (!found) return "";
  cancel_subscription(world, *found);
  return found->id;
}

// Its card starts to be declined: at the next period it is past due.
std::string failing_subscription(World& world, Account& account) {
  Document* found = pick(world, account, "subscription", running);
  if (!found) return "";
  found->json["default_payment_method"] =
      make_method(world, account, *find_card("pm_card_visa_chargeDeclined")).id;
  world.store.save(*found);
  return found->id;
}

std::string pay_out(World& world, Account& account, bool instant, std::int64_t percent) {
  const Currency currency = currency_of(account);
  Document* destination = default_destination(account, currency.str());
  const auto amount = available(account, currency) * percent / 100;
  if (!destination || destination->str("status") == "errored" || amount < 100) return "";
  return make_payout(world, account,
                     {.amount = amount,
                      .currency = currency,
                      .destination = destination,
                      .instant = instant,
                      .description = instant ? "Instant payout" : "Payout"})
      .id;
}

std::string payout(World& world, Account& account) { return pay_out(world, account, false, 60); }
std::string instant_payout(World& world, Account& account) {
  return pay_out(world, account, true, 20);
}

std::string canceled_payout(World& world, Account& account) {
  Document* found = pick(world, account, "payout", [](const Document& p) {
    return p.str("status") == "pending" && !p.flag("automatic");
  });
  if (!found) return "";
  cancel_payout(world, *found);
  return found->id;
}

std::string returned_payout(World& world, Account& account) {
  Document* found = pick(world, account, "payout", [](const Document& p) {
    return p.str("status") == "paid" && p.num("amount") > 0;
  });
  if (!found) return "";
  fail_payout(world, *found, "account_closed");
  return found->id;
}

std::string failed_payout(World& world, Account& account) {
  Document* found = pick(world, account, "payout", [](const Document& p) {
    return p.str("status") == "pending" || p.str("status") == "in_transit";
  });
  if (!found) return "";
  fail_payout(world, *found, "could_not_process");
  return found->id;
}

std::string transfer(World& world, Account& account) {
  const Currency currency = currency_of(account);
  const auto amount =
      std::min<std::int64_t>(available(account, currency) / 10, world.random.between(1'000, 9'000));
  std::vector<Account*> sellers;
  for (const auto& each : world.store.accounts())
    if (each->platform == account.id && !each->object->hidden.contains("second_tenant"))
      sellers.push_back(each.get());
  if (amount < 1 || sellers.empty()) return "";
  Account* to = sellers[static_cast<std::size_t>(
      world.random.between(0, static_cast<std::int64_t>(sellers.size()) - 1))];
  return make_transfer(world, account,
                       {.amount = amount,
                        .currency = currency,
                        .destination = to,
                        .description = "Weekly bonus"})
      .id;
}

std::string payout_block(World& world, Account& account) {
  if (!payouts_enabled(account)) return "";
  demand(world, account, Demand::more_before_payouts);
  return account.id;
}

std::string payout_unblock(World& world, Account& account) {
  if (payouts_enabled(account)) return "";
  demand(world, account, Demand::nothing);
  return account.id;
}

// Its owner disconnects it from the platform: every call for it is a 403 from now on.
std::string deauthorization(World& world, Account& account) {
  if (!account.connected()) return "";
  account.object->hidden["deauthorized"] = true;
  emit_object(world, account, "account.application.deauthorized",
              {{"id", application_id(world.platform())},
               {"object", "application"},
               {"name", "Harbor Market"}});
  return account.id;
}

std::string reversal(World& world, Account& account) {
  Document* found = pick(world, account, "transfer", [](const Document& t) {
    return reversible(t) > 0 && t.json["source_transaction"].is_null();
  });
  if (!found) return "";
  return reverse_transfer(world, *found, reversible(*found), "", OrderedJson::object()).id;
}

}  // namespace

const std::vector<NamedAct>& all_acts() {
  static const std::vector<NamedAct> kActs = {{"charges", charge},
                                              {"failed_charges", failed_charge},
                                              {"refunds", refund},
                                              {"disputes", dispute},
                                              {"customers", customer},
                                              {"deleted_customers", deleted_customer},
                                              {"subscriptions", subscription},
                                              {"canceled_subscriptions", canceled_subscription},
                                              {"failing_subscriptions", failing_subscription},
                                              {"payouts", payout},
                                              {"instant_payouts", instant_payout},
                                              {"canceled_payouts", canceled_payout},
                                              {"failed_payouts", failed_payout},
                                              {"returned_payouts", returned_payout},
                                              {"transfers", transfer},
                                              {"reversals", reversal},
                                              {"trials", trial},
                                              {"payout_blocks", payout_block},
                                              {"payout_unblocks", payout_unblock},
                                              {"deauthorizations", deauthorization}};
  return kActs;
}

Act act_named(std::string_view kind) {
  const auto it = std::ranges::find(all_acts(), kind, &NamedAct::kind);
  return it == all_acts().end() ? nullptr : it->act;
}

}  // namespace payoutd::sim
