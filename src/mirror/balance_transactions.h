// The mirrored balance transactions, read side: what moved an account's balance, newest first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/money.h"
#include "base/time.h"
#include "http/page.h"
#include "pg/database.h"

namespace payoutd::mirror {

struct BalanceTransaction {
  std::string account, stripe_id;
  Money amount, net, fee;  // signed, of one currency
  Json fee_details;        // [{amount, application, currency, description, type}]
  std::string type, reporting_category, status, balance_type;
  std::optional<std::string> source_id, description, exchange_rate, payout_id;
  Time available_on{}, created{};
};

// What is absent does not filter. `from` and `to` are inclusive and about `created`.
struct BalanceTransactionFilter {
  std::optional<std::string> account{}, type{}, currency{}, reporting_category{}, status{};
  std::optional<std::string> payout{};  // po_…
  std::optional<Time> from{}, to{};
};

// Newest first, by (created, id). Errors: 400 `invalid_cursor`.
Result<http::PageOf<BalanceTransaction>> list_balance_transactions(
    pg::Tx& tx, OrgId organization, const BalanceTransactionFilter& filter, const http::Page& page);

// All that the list of an automatic payout showed, its own row included; at most `limit`.
std::vector<BalanceTransaction> transactions_of_payout(pg::Tx& tx, OrgId organization,
                                                       std::string_view account,
                                                       std::string_view payout, std::int64_t limit);

std::optional<BalanceTransaction> find_balance_transaction(pg::Tx& tx, OrgId organization,
                                                           std::string_view account,
                                                           std::string_view stripe_id);

// Rows that Stripe doesn't have: for repair after a proof that they are not there. Answers how
// many.
std::size_t remove_balance_transactions(pg::Tx& tx, OrgId organization, std::string_view account,
                                        const std::vector<std::string>& stripe_ids);

OrderedJson to_json(const BalanceTransaction& transaction);

}  // namespace payoutd::mirror
