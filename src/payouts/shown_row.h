// A payout's row as Stripe shows it, and how many of them are sent with one statement: that which
// makes them and that which saves what they show next bind the same arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "base/ids.h"
#include "mirror/shown.h"
#include "payouts/stripe_columns.h"
#include "payouts/stripe_payout.h"
#include "pg/database.h"

namespace payoutd::payouts {

struct ShownRow {
  mirror::Key key;
  PayoutId id;
  State state;
};

// The version that a row shows, and when it took the statuses in which it may end.
struct SentColumn {
  std::string_view name, type;
};
inline constexpr SentColumn kVersionColumns[] = {{"organization_id", "uuid"},
                                                 {"account", "text"},
                                                 {"stripe_payout_id", "text"},
                                                 {"id", "uuid"},
                                                 {"stage", "int"},
                                                 {"shown_at", "timestamptz"},
                                                 {"rank", "bigint"},
                                                 {"digest", "bigint"},
                                                 {"tied", "boolean"},
                                                 {"paid_at", "timestamptz"},
                                                 {"failed_at", "timestamptz"},
                                                 {"canceled_at", "timestamptz"},
                                                 {"returned_at", "timestamptz"},
                                                 {"paid_seen_at", "timestamptz"},
                                                 {"failed_seen_at", "timestamptz"},
                                                 {"canceled_seen_at", "timestamptz"}};
inline constexpr std::size_t kKeyColumns = 4;  // of them, which nothing changes

// `unnest($1::uuid[], …) AS given(organization_id, …)`: kVersionColumns, kStoredStripeColumns, then
// `more`.
std::string given_rows(std::initializer_list<SentColumn> more = {});

// The arrays for given_rows.
class ShownArrays {
 public:
  void add(const ShownRow& row);

  template <class... More>
  pg::Rows exec(pg::Tx& tx, const pg::Query& query, const More&... more) const {
    return std::apply(
        [&](const auto&... array) {
          return tx.exec(query, organization_, account_, stripe_payout_id_, id_, stage_, shown_at_,
                         rank_, digest_, tied_, paid_at_, failed_at_, canceled_at_, returned_at_,
                         paid_seen_at_, failed_seen_at_, canceled_seen_at_, array..., more...);
        },
        columns_);
  }

 private:
  pg::Array<OrgId> organization_;
  pg::Array<std::string> account_, stripe_payout_id_;
  pg::Array<PayoutId> id_;
  pg::Array<std::int32_t> stage_;
  pg::Array<Time> shown_at_, paid_at_, failed_at_, canceled_at_, returned_at_;
  pg::Array<Time> paid_seen_at_, failed_seen_at_, canceled_seen_at_;
  pg::Array<std::int64_t> rank_, digest_;
  pg::Array<bool> tied_;
  mirror::ArraysOf<std::remove_const_t<decltype(kStoredStripeColumns)>>::type columns_;
};

}  // namespace payoutd::payouts
