#include "stripe/sim/world/ledger.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/money.h"
#include "stripe/sim/world/events.h"

namespace payoutd::sim {
namespace {

// One minor unit in millionths of a US cent. Fixed: a simulation needs rates, not markets.
std::int64_t cents_millionths(Currency currency) {
  static const std::map<std::string, std::int64_t> kRates = {
      {"usd", 1'000'000}, {"eur", 1'085'000}, {"gbp", 1'270'000}, {"jpy", 670'000},
      {"cad", 730'000},   {"aud", 655'000},   {"chf", 1'130'000}, {"sek", 95'000},
      {"pln", 250'000},   {"huf", 2'750},     {"kwd", 325'000},   {"krw", 75'000}};
  const auto it = kRates.find(currency.str());
  return it == kRates.end() ? 1'000'000 : it->second;
}

std::int64_t divide_half_up(__int128 dividend, std::int64_t divisor) {
  const bool negative = dividend < 0;
  const __int128 size = negative ? -dividend : dividend;
  const auto result =
      static_cast<std::int64_t>((2 * size + divisor) / (2 * static_cast<__int128>(divisor)));
  return negative ? -result : result;
}

OrderedJson amounts(const Account& account, std::int64_t Totals::*part, bool source_types) {
  OrderedJson out = OrderedJson::array();
  for (const auto& [currency, totals] : account.totals) {
    OrderedJson entry{{"amount", totals.*part}, {"currency", currency.str()}};
    if (source_types) entry["source_types"] = OrderedJson{{"card", totals.*part}};
    out.push_back(std::move(entry));
  }
  return out;
}

// What may leave within minutes: all that is available.
OrderedJson instant(const Account& account) {
  OrderedJson out = OrderedJson::array();
  for (const auto& [currency, totals] : account.totals) {
    const auto amount = std::max<std::int64_t>(0, totals.available);
    out.push_back(
        {{"amount", amount}, {"currency", currency.str()}, {"source_types", {{"card", amount}}}});
  }
  return out;
}

}  // namespace

Row& post(World& world, Account& account, Posting posting) {
  Row& row = world.store.add_row(account, world.id("txn", account), world.now);
  row.amount = posting.amount;
  row.currency = posting.currency;
  row.type = posting.type;
  row.source = std::move(posting.source);
  row.description = std::move(posting.description);
  row.rate_millionths = posting.rate_millionths;
  for (const auto& fee : posting.fees) row.fee = checked_add(row.fee, fee.amount);
  row.fee_details = std::move(posting.fees);
  row.available_on = posting.available_on == 0 ? world.now : posting.available_on;
  row.available = row.available_on <= world.now;
  auto& totals = account.totals[row.currency];
  auto& part = row.available ? totals.available : totals.pending;
  part = checked_add(part, row.net());
  if (!row.available) world.settling[row.available_on].emplace_back(&account, &row);
  if (!row.source.empty()) account.rows_by_source[row.source].push_back(&row);
  account.unswept[row.currency].push_back(&row);
  return row;
}

void settle(World& world, const std::vector<std::pair<Account*, Row*>>& due) {
  std::map<Account*, std::map<Currency, std::int64_t>> gained;
  for (const auto& [account, row] : due) {
    CHECK(!row->available);
    row->available = true;
    auto& totals = account->totals.at(row->currency);
    totals.pending = checked_add(totals.pending, -row->net());
    totals.available = checked_add(totals.available, row->net());
    gained[account][row->currency] += row->net();
  }
  // In the order of the accounts, not of their addresses: the same seed gives the same events.
  for (const auto& account : world.store.accounts()) {
    const auto it = gained.find(account.get());
    if (it == gained.end()) continue;
    const bool more =
        std::ranges::any_of(it->second, [](const auto& sum) { return sum.second > 0; });
    if (more) emit_object(world, *account, "balance.available", balance_object(world, *account));
  }
}

std::int64_t available(const Account& account, Currency currency) {
  const auto it = account.totals.find(currency);
  return it == account.totals.end() ? 0 : it->second.available;
}

OrderedJson balance_object(World& world, const Account& account) {
  OrderedJson out{{"object", "balance"}};
  out["available"] = amounts(account, &Totals::available, true);
  if (!account.connected()) {
    out["connect_reserved"] = OrderedJson::array();
    for (const auto& [currency, totals] : account.totals)
      out["connect_reserved"].push_back({{"amount", 0}, {"currency", currency.str()}});
  }
  out["instant_available"] = instant(account);
  out["livemode"] = world.livemode;
  out["pending"] = amounts(account, &Totals::pending, true);
  return out;
}

Converted convert(std::int64_t amount, Currency from, Currency to) {
  if (from == to) return {amount, 0};
  const auto rate = divide_half_up(static_cast<__int128>(cents_millionths(from)) * 1'000'000,
                                   cents_millionths(to));
  return {divide_half_up(static_cast<__int128>(amount) * rate, 1'000'000), rate};
}

}  // namespace payoutd::sim
