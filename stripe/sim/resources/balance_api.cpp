// GET /v1/balance and the balance transactions behind it.
#include <fmt/format.h>

#include "stripe/sim/api/lists.h"
#include "stripe/sim/world/ledger.h"

namespace payoutd::sim {
namespace {

Try<Shown> get_balance(const Ask& ask) { return balance_object(ask.world, ask.account); }

Try<Shown> get_balance_transaction(const Ask& ask) {
  const Row* row = ask.world.store.row(ask.ids.at(0));
  if (!row || &ask.world.store.owner(*row) != &ask.account)
    return no_such("balance transaction", ask.ids.at(0));
  return row;
}

// Rows of an automatic payout, its own among them; nothing else tells which rows it paid out.
Try<const Series<Row>*> members(const Ask& ask, const std::string& id) {
  static const Series<Row> kNone;
  const Document* payout = ask.world.store.find(ask.account, "payout", id);
  if (!payout) return no_such("payout", id, "payout");
  if (!payout->flag("automatic"))
    return refuse(
        "", "Balance transaction history can only be filtered on automatic transfers, not manual.",
        "payout");
  if (payout->str("reconciliation_status") != "completed")
    return refuse(
        "payout_reconciliation_not_ready",
        fmt::format("The balance transactions of payout {} are still being reconciled.", id),
        "payout");
  const auto it = ask.account.rows_by_payout.find(id);
  return it == ask.account.rows_by_payout.end() ? &kNone : &it->second;
}

Try<const Series<Row>*> candidates(const Ask& ask) {
  static const Series<Row> kNone;
  if (const auto payout = ask.params.str("payout"); !payout.empty()) return members(ask, payout);
  if (const auto source = ask.params.str("source"); !source.empty()) {
    const auto it = ask.account.rows_by_source.find(source);
    return it == ask.account.rows_by_source.end() ? &kNone : &it->second;
  }
  return &ask.account.row_list;
}

Try<Shown> list_balances(const Ask& ask) {
  auto request = read_list(ask);
  if (!request) return Refused(request.error());
  auto series = candidates(ask);
  if (!series) return Refused(series.error());
  request->created.high =
      std::min(request->created.high, ask.now - ask.world.options.visibility_lag_s);
  const auto& id = request->after.empty() ? request->before : request->after;
  const Row* cursor = id.empty() ? nullptr : ask.world.store.row(id);
  const auto type = ask.params.str("type"), source = ask.params.str("source");
  const auto currency = ask.params.currency("currency");
  const auto keep = [&](const Row& row) {
    return (type.empty() || row.type.type == type) && (!currency || row.currency == *currency) &&
           (source.empty() || row.source == source);
  };
  auto page = Pager(**series, *request, keep).page(cursor);
  if (!page) return Refused(page.error());
  return Shown(std::move(*page));
}

}  // namespace

std::vector<Endpoint> balance_endpoints() {
  constexpr std::string_view kFilters = "list created:range currency:currency payout source type";
  return {
      {"GET", "/v1/balance", "", get_balance},
      {"GET", "/v1/balance_transactions", kFilters, list_balances},
      {"GET", "/v1/balance_transactions/:id", "", get_balance_transaction},
      {"GET", "/v1/balance/history", kFilters, list_balances},
      {"GET", "/v1/balance/history/:id", "", get_balance_transaction},
  };
}

}  // namespace payoutd::sim
