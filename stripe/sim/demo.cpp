#include "stripe/sim/demo.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "stripe/sim/acts.h"
#include "stripe/sim/resources/accounts.h"
#include "stripe/sim/resources/external_accounts.h"
#include "stripe/sim/resources/payment_methods.h"
#include "stripe/sim/resources/payouts.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

struct Shop {
  Account* account = nullptr;
  std::int64_t charges_a_day = 3;
  std::vector<std::string_view> habits{};  // acts that now and then go with it
};

Account& open_shop(World& world, const AccountOrder& order, const BankOrder& bank,
                   const PayoutSchedule& schedule) {
  Account& account = open_account(world, order);
  attach_bank(world, account, bank);
  CHECK(set_schedule(world, account, schedule).has_value());
  return account;
}

std::vector<Shop> open_shops(World& world) {
  std::vector<Shop> shops;
  Account& platform = world.platform();
  attach_bank(world, platform,
              {.number = "DE89370400440532013000",
               .routing = "",
               .currency = "eur",
               .country = "DE",
               .holder = "Harbor Market"});
  CHECK(
      set_schedule(world, platform, {.interval = "weekly", .weekly_anchor = "monday"}).has_value());
  shops.push_back(
      {&platform,
       4,
       {"refunds", "transfers", "subscriptions", "failed_charges", "transfers", "disputes"}});
  shops.push_back({&open_shop(world, {.email = "bakery@example.com", .name = "Blue Door Bakery"},
                              {}, {.interval = "daily"}),
                   5,
                   {"refunds", "failed_charges", "customers", "refunds"}});
  shops.push_back(
      {&open_shop(
           world,
           {.country = "DE",
            .currency = "eur",
            .email = "atelier@example.com",
            .name = "Atelier Nord"},
           {.number = "DE89370400440532013001", .routing = "", .currency = "eur", .country = "DE"},
           {.interval = "daily", .delay_days = 4}),
       3,
       {"refunds", "disputes", "subscriptions", "failing_subscriptions"}});
  shops.push_back(
      {&open_shop(
           world,
           {.country = "GB", .currency = "gbp", .email = "kiln@example.com", .name = "Kiln & Co"},
           {.number = "000123456780", .routing = "108800", .currency = "gbp", .country = "GB"},
           {.interval = "weekly", .delay_days = 3, .weekly_anchor = "friday"}),
       2,
       {"refunds", "subscriptions", "canceled_subscriptions"}});
  Account& other = open_shop(world, {.email = "northwind@example.com", .name = "Northwind Traders"},
                             {}, {.interval = "manual"});
  other.object->hidden["second_tenant"] = true;
  shops.push_back(
      {&other,
       3,
       {"payouts", "instant_payouts", "refunds", "subscriptions", "deleted_customers", "payouts"}});
  return shops;
}

// The acts of one day of one shop, spread over its waking hours.
void live_a_day(World& world, std::int64_t day, const Shop& shop,
                std::vector<std::pair<std::int64_t, std::pair<Account*, Act>>>& plan) {
  const auto at = [&] { return day + world.random.between(6 * kHour, 19 * kHour); };
  const auto charges = world.random.between(shop.charges_a_day / 2, shop.charges_a_day * 3 / 2);
  for (std::int64_t i = 0; i < charges; ++i)
    plan.push_back({at(), {shop.account, act_named("charges")}});
  for (const auto habit : shop.habits) {
    const bool rare = habit == "disputes" || habit == "deleted_customers" ||
                      habit == "failing_subscriptions" || habit == "canceled_subscriptions";
    if (world.random.chance(rare ? 4 : 15))
      plan.push_back({at(), {shop.account, act_named(habit)}});
  }
}

// What a bank does wrong once in a history: each is mended by a new bank account some days later.
void plan_mishaps(World& world, const std::vector<Shop>& shops, std::int64_t start,
                  std::int64_t days) {
  const auto swap_bank = [&](std::int64_t day, Account* account, std::string number,
                             const char* currency) {
    world.at(start + day * kDay + 5 * kHour, [account, number, currency](World& w) {
      attach_bank(w, *account, {.number = number, .currency = currency, .replaces = true});
    });
  };
  Account* automatic = shops[3].account;
  Account* manual = shops[4].account;
  swap_bank(days / 4, automatic, "000111111113", "gbp");  // the next automatic payout fails
  swap_bank(days / 4 + 9, automatic, "000123456781", "gbp");
  swap_bank(days / 2, manual, "000777777771", "usd");  // paid, and returned three days later
  world.at(start + days / 2 * kDay + 12 * kHour,
           [manual](World& w) { act_named("payouts")(w, *manual); });
  swap_bank(days / 2 + 8, manual, "000123456789", "usd");
  for (const auto day : {days / 3, days * 3 / 4})
    world.at(start + day * kDay + 15 * kHour, [manual](World& w) {
      act_named("payouts")(w, *manual);
      act_named("canceled_payouts")(w, *manual);
    });
}

// What is still going on when history ends: a trial, and a subscription that is past due.
void plan_loose_ends(World& world, const std::vector<Shop>& shops) {
  const std::int64_t end = world.history_until;
  for (const auto& shop : shops)
    world.at(end - 5 * kDay,
             [account = shop.account](World& w) { act_named("trials")(w, *account); });
  Account* account = shops[2].account;
  if (world.now > end - 20 * kDay) return;
  world.at(end - 18 * kDay, [account](World& w) {
    const std::string id = act_named("trials")(w, *account);
    Document& subscription = *w.store.find(id);
    w.at(w.now + 3 * kDay, [account, &subscription](World& later) {
      subscription.json["default_payment_method"] =
          make_method(later, *account, *find_card("pm_card_visa_chargeDeclined")).id;
      later.store.save(subscription);
    });
  });
}

void live_through(World& world, const std::vector<Shop>& shops) {
  const std::int64_t start = midnight(world.now), end = world.history_until;
  plan_mishaps(world, shops, start, (end - start) / kDay);
  plan_loose_ends(world, shops);
  for (const auto& shop : shops)
    for (int i = 0; i < 3; ++i) act_named("subscriptions")(world, *shop.account);
  for (std::int64_t day = start; day < end; day += kDay) {
    std::vector<std::pair<std::int64_t, std::pair<Account*, Act>>> plan;
    for (const auto& shop : shops) live_a_day(world, day, shop, plan);
    std::ranges::stable_sort(plan, {}, [](const auto& item) { return item.first; });
    for (const auto& [when, what] : plan) {
      if (when < world.now || when >= end) continue;
      advance_to(world, when);
      what.second(world, *what.first);
    }
  }
}

}  // namespace

std::int64_t history_of(Demo demo) {
  switch (demo) {
    case Demo::none: return 0;
    case Demo::small: return 21 * kDay;
    case Demo::full: return 183 * kDay;
  }
  return 0;
}

void make_demo(World& world) {
  Account& platform = open_account(
      world,
      {.id = world.options.platform, .email = "platform@example.com", .name = "Harbor Market"});
  attach_bank(world, platform, {});
  start_payout_schedules(world);
  keep_events_bounded(world);
  if (world.options.demo == Demo::none) return;
  live_through(world, open_shops(world));
}

}  // namespace payoutd::sim
