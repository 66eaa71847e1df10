// Reading payouts: lists with filters, one by either of its ids, its events.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/page.h"
#include "payouts/payout.h"
#include "pg/database.h"

namespace payoutd::payouts {

// A field that is absent does not filter. `from` and `to` are inclusive and about `created`.
struct PayoutFilter {
  std::optional<Status> status{};
  OptionalText type{}, priority{}, currency{}, rail{}, account{};
  OptionalText origin_module{}, origin_entity_id{}, influencer_id{}, campaign_id{};
  OptionalTime from{}, to{};
};

// Newest first, by (created, id); deleted ones are left out. Error: 400 `invalid_cursor`.
Result<http::PageOf<Payout>> list_payouts(pg::Tx& tx, OrgId organization,
                                          const PayoutFilter& filter, const http::Page& page);

// By our id or by po_…; of two accounts' payouts with one po_… the newer one.
// Error: 404 `payout_not_found`, for another organization's too.
Result<Payout> find_payout(pg::Tx& tx, OrgId organization, std::string_view id);
// Finds the payout and locks its row until the transaction ends. Canceling and sending take the
// same lock.
Result<Payout> lock_payout(pg::Tx& tx, OrgId organization, PayoutId id);

// Locks several payouts in the order of their ids, hidden ones too. CHECKs that all are there.
std::vector<Payout> lock_payouts(pg::Tx& tx, OrgId organization, std::span<const PayoutId> ids);

// The payout that was asked for with that Idempotency-Key. `metadata` holds our own keys as well;
// `body` is what was sent for it, absent where a restored database has forgotten that.
struct AskedFor {
  PayoutId id;
  std::string account;
  Money money;
  OptionalText method{}, description{}, body{};
  Json metadata{};
};
std::optional<AskedFor> find_by_external_id(pg::Tx& tx, OrgId organization, const std::string& key);

// In order; where a payout has more than kMaxEvents, its first ones and its newest, half and half,
// and how many were left out between them.
inline constexpr std::int64_t kMaxEvents = 1000;
struct PayoutEvents {
  std::vector<PayoutEvent> shown;
  std::int64_t left_out = 0;
};
PayoutEvents events_of(pg::Tx& tx, OrgId organization, PayoutId id);
std::map<PayoutId, PayoutEvents> events_of(pg::Tx& tx, OrgId organization,
                                           const std::vector<PayoutId>& ids);

// Automatic ones whose reconciliation is complete and whose transactions were never listed to the
// end.
std::vector<Payout> awaiting_transactions(pg::Tx& tx, OrgId organization, std::string_view account,
                                          std::int64_t limit);
// The list of its balance transactions was complete at `at`. False: no such payout.
bool transactions_were_listed(pg::Tx& tx, OrgId organization, std::string_view account,
                              std::string_view stripe_payout_id, Time at);

}  // namespace payoutd::payouts
