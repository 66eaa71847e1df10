#include "sync/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "balances/balance.h"
#include "sync/checks_store.h"

namespace payoutd::sync {

namespace {

struct Figures {
  Money available, pending;
  Money total() const { return available + pending; }
};
using ByCurrency = std::map<Currency, Figures>;

Result<void> add(ByCurrency& figures, const std::vector<balances::Part>& parts,
                 Money Figures::*into) {
  for (const balances::Part& part : parts) {
    const auto currency = Currency::shown(part.currency);
    if (!currency) {
      return Error{Kind::upstream, "currency_unreadable",
                   fmt::format("Stripe's balance is in \"{}\", which is no currency code: what it "
                               "holds of that can't be proved",
                               part.currency)};
    }
    const Money none{0, *currency};
    Figures& figure = figures.try_emplace(*currency, none, none).first->second;
    figure.*into = figure.*into + Money{part.amount, *currency};
  }
  return {};
}

Result<ByCurrency> look(stripe::Client& client, const Target& target) {
  const auto answer = client.call(stripe::Request::get("/v1/balance").on(target.stripe_header));
  if (!answer) return answer.error();
  const auto balance = balances::parse_balance(target.account, answer->body);
  if (!balance) return balance.error();
  ByCurrency figures;
  if (auto ok = add(figures, balance->available, &Figures::available); !ok) return ok.error();
  if (auto ok = add(figures, balance->pending, &Figures::pending); !ok) return ok.error();
  return figures;
}

bool stood_still(const ByCurrency& before, const ByCurrency& after) {
  return std::ranges::equal(before, after, [](const auto& one, const auto& other) {
    return one.first == other.first && one.second.total() == other.second.total();
  });
}

std::vector<BalanceCheck> compare(const Target& target, const ByCurrency& stripe,
                                  const checks_store::Sums& mirror, Time now) {
  std::set<Currency> currencies;
  for (const auto& [currency, figures] : stripe) currencies.insert(currency);
  for (const auto& [currency, sum] : mirror) currencies.insert(currency);
  std::vector<BalanceCheck> checks;
  for (const Currency currency : currencies) {
    const Money none{0, currency};
    BalanceCheck check{.account = target.account,
                       .available = none,
                       .pending = none,
                       .found = none,
                       .checked_at = now};
    if (const auto found = stripe.find(currency); found != stripe.end()) {
      check.available = found->second.available;
      check.pending = found->second.pending;
    }
    if (const auto found = mirror.find(currency); found != mirror.end()) {
      check.found = found->second.net;
      check.rows = found->second.rows;
    }
    check.state = check.difference() == none ? CheckState::equal : CheckState::different;
    checks.push_back(std::move(check));
  }
  return checks;
}

bool all_equal(const std::vector<BalanceCheck>& checks) {
  return std::ranges::all_of(checks,
                             [](const BalanceCheck& c) { return c.state == CheckState::equal; });
}

Result<std::vector<BalanceCheck>> settle(const Verifier& verifier, const Target& target) {
  std::vector<BalanceCheck> checks;
  int differences = 0;
  for (int looks = 0; looks < kMostLooks; ++looks) {
    const auto before = look(verifier.client, target);
    if (!before) return before.error();
    if (auto refreshed = verifier.refresh(); !refreshed) return refreshed.error();
    const auto sums = verifier.db.transact([&](pg::Tx& tx) -> Result<checks_store::Sums> {
      return checks_store::sums(tx, target.organization, target.account, verifier.row_by_row);
    });
    if (!sums) return sums.error();
    const auto after = look(verifier.client, target);
    if (!after) return after.error();
    checks = compare(target, *after, *sums, verifier.clock.now());
    if (all_equal(checks)) return checks;
    // A row may be listed a moment after it counts, so one difference is not yet the last word.
    if (stood_still(*before, *after) && ++differences == 2) return checks;
  }
  for (BalanceCheck& check : checks) {
    if (check.state == CheckState::different) check.state = CheckState::moving;
  }
  return checks;
}

}  // namespace

std::string_view name_of(CheckState state) {
  switch (state) {
    case CheckState::equal: return "equal";
    case CheckState::different: return "different";
    case CheckState::moving: return "moving";
  }
  CHECK(false);
}

Result<std::vector<BalanceCheck>> check_balance(const Verifier& verifier, const Target& target,
                                                std::optional<RunId> run) {
  auto checks = settle(verifier, target);
  if (!checks) return checks.error();
  const auto saved = verifier.db.transact([&](pg::Tx& tx) -> Result<void> {
    for (const BalanceCheck& check : *checks)
      checks_store::save(tx, target.organization, run, check);
    return {};
  });
  if (!saved) return saved.error();
  return checks;
}

Result<std::vector<PayoutCheck>> check_payouts(pg::Database& db, const Target& target, Time now,
                                               bool whole) {
  return db.transact([&](pg::Tx& tx) -> Result<std::vector<PayoutCheck>> {
    return checks_store::check_payouts(tx, target.organization, target.account, now, whole);
  });
}

Result<Completeness> completeness(pg::Database& db, OrgId organization,
                                  const std::optional<std::string>& account) {
  return db.read([&](pg::Tx& tx) -> Result<Completeness> {
    return Completeness{checks_store::balances(tx, organization, account),
                        checks_store::payouts(tx, organization, account)};
  });
}

}  // namespace payoutd::sync
