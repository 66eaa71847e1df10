#include "payouts/shown_row.h"

#include <fmt/format.h>

namespace payoutd::payouts {

std::string given_rows(std::initializer_list<SentColumn> more) {
  std::string arrays, names;
  int parameter = 1;
  const auto add = [&](std::string_view name, std::string_view type) {
    const char* comma = parameter == 1 ? "" : ", ";
    arrays += fmt::format("{}${}::{}[]", comma, parameter++, type);
    names += fmt::format("{}{}", comma, name);
  };
  for (const SentColumn& column : kVersionColumns) add(column.name, column.type);
  for (const mirror::ColumnText& column : mirror::texts_of(kStoredStripeColumns))
    add(column.name, column.sent);
  for (const SentColumn& column : more) add(column.name, column.type);
  return fmt::format("unnest({}) AS given({})", arrays, names);
}

void ShownArrays::add(const ShownRow& row) {
  const State& state = row.state;
  organization_.add(row.key.organization);
  account_.add(row.key.account);
  stripe_payout_id_.add(row.key.stripe_id);
  id_.add(row.id);
  stage_.add(state.shown.stage);
  shown_at_.add(from_unix(state.shown.at));
  rank_.add(state.shown.rank);
  digest_.add(state.shown.digest);
  tied_.add(state.tied);
  paid_at_.add(state.happened.paid);
  failed_at_.add(state.happened.failed);
  canceled_at_.add(state.happened.canceled);
  returned_at_.add(state.returned_at());
  paid_seen_at_.add(state.seen.paid);
  failed_seen_at_.add(state.seen.failed);
  canceled_seen_at_.add(state.seen.canceled);
  mirror::append_row(columns_, state.body, kStoredStripeColumns);
}

}  // namespace payoutd::payouts
