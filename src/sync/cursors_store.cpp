#include "sync/cursors_store.h"

#include <algorithm>

namespace payoutd::sync::cursors_store {

namespace {

const pg::Query kStates{"sync_stream_states", R"sql(
  SELECT stream, synced_to, listed_whole_at, rescanned_at, pass_kind, pass_from, pass_to, pass_began_at
    FROM sync_streams WHERE organization_id = $1 AND account = $2)sql"};

const pg::Query kBeginPass{"sync_begin_pass", R"sql(
  INSERT INTO sync_streams (organization_id, account, stream, pass_kind, pass_from, pass_to, pass_began_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (organization_id, account, stream) DO UPDATE
     SET pass_kind = excluded.pass_kind, pass_from = excluded.pass_from, pass_to = excluded.pass_to,
         pass_began_at = excluded.pass_began_at)sql"};

const pg::Query kInsertRange{"sync_insert_range", R"sql(
  INSERT INTO sync_ranges (organization_id, account, stream, upper, lower) VALUES ($1, $2, $3, $4, $5))sql"};

const pg::Query kRanges{"sync_ranges_of", R"sql(
  SELECT upper, lower, after FROM sync_ranges
   WHERE organization_id = $1 AND account = $2 AND stream = $3 ORDER BY upper DESC)sql"};

// A pass that began earlier than one that is known does not take its word back.
const pg::Query kEndPass{"sync_end_pass", R"sql(
  UPDATE sync_streams AS s
     SET synced_to = greatest(synced_to, to_timestamp(pass_to)),
         listed_whole_at = CASE WHEN pass_kind = 'whole' THEN greatest(listed_whole_at, pass_began_at)
                                ELSE listed_whole_at END,
         rescanned_at = CASE WHEN pass_kind IN ('whole', 'rescan')
                             THEN greatest(rescanned_at, pass_began_at) ELSE rescanned_at END,
         pass_kind = NULL, pass_from = NULL, pass_to = NULL, pass_began_at = NULL
   WHERE organization_id = $1 AND account = $2 AND stream = $3 AND pass_kind IS NOT NULL
     AND NOT EXISTS (SELECT FROM sync_ranges r
                      WHERE r.organization_id = s.organization_id AND r.account = s.account
                        AND r.stream = s.stream))sql"};

const pg::Query kDropRanges{"sync_drop_ranges", R"sql(
  DELETE FROM sync_ranges WHERE organization_id = $1 AND account = $2 AND stream = $3)sql"};

const pg::Query kForgetPass{"sync_forget_pass", R"sql(
  UPDATE sync_streams SET pass_kind = NULL, pass_from = NULL, pass_to = NULL, pass_began_at = NULL
   WHERE organization_id = $1 AND account = $2 AND stream = $3)sql"};

// A cut inserts the lower part; who cut the same range before us has the same right to it.
const pg::Query kSaveRanges{"sync_save_ranges", R"sql(
  INSERT INTO sync_ranges AS r (organization_id, account, stream, upper, lower, after)
  SELECT organization_id, account, stream, upper, lower, after
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])
         AS given(organization_id, account, stream, upper, lower, after)
  ON CONFLICT (organization_id, account, stream, upper) DO UPDATE
     SET lower = excluded.lower, after = excluded.after)sql"};

const pg::Query kEndRanges{"sync_end_ranges", R"sql(
  DELETE FROM sync_ranges AS r
   USING unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[])
         AS given(organization_id, account, stream, upper)
   WHERE r.organization_id = given.organization_id AND r.account = given.account
     AND r.stream = given.stream AND r.upper = given.upper)sql"};

const pg::Query kDuePending{"sync_due_pending", R"sql(
  SELECT DISTINCT (extract(epoch FROM created)::bigint / 86400) AS day
    FROM balance_transactions
   WHERE organization_id = $1 AND account = $2 AND status = 'pending' AND available_on <= $3
   ORDER BY day LIMIT $4)sql"};

const pg::Query kCustomersNotSeen{"sync_customers_not_seen", R"sql(
  SELECT stripe_id FROM customers
   WHERE organization_id = $1 AND account = $2 AND NOT deleted AND shown_at < $3
   ORDER BY stripe_id LIMIT $4)sql"};

const pg::Query kSubscriptionsCut{"sync_subscriptions_cut", R"sql(
  SELECT stripe_id FROM subscriptions
   WHERE organization_id = $1 AND account = $2 AND cut ORDER BY stripe_id LIMIT $3)sql"};

const pg::Query kFeesCut{"sync_application_fees_cut", R"sql(
  SELECT stripe_id FROM application_fees
   WHERE organization_id = $1 AND account = $2 AND cut ORDER BY stripe_id LIMIT $3)sql"};

// Payouts on their way, and payouts that Stripe adds to for some days after they arrived; each kind
// has an index of its own.
const pg::Query kPayoutsToRefresh{"sync_payouts_to_refresh", R"sql(
  SELECT stripe_payout_id
    FROM (SELECT stripe_payout_id, arrival_date FROM payouts
           WHERE organization_id = $1 AND account = $2 AND rail = 'stripe_payout'
             AND stripe_payout_id IS NOT NULL AND arrival_date <= $3 AND shown_at < $4
             AND status IN ('pending', 'in_transit')
          UNION
          SELECT stripe_payout_id, arrival_date FROM payouts
           WHERE organization_id = $1 AND account = $2 AND rail = 'stripe_payout'
             AND stripe_payout_id IS NOT NULL AND arrival_date <= $3 AND shown_at < $4
             AND arrival_date > $3::timestamptz - interval '10 days'
             AND (trace_id_status = 'pending'
                  OR (automatic AND reconciliation_status = 'in_progress'))) AS due
   ORDER BY arrival_date, stripe_payout_id LIMIT $5)sql"};

}  // namespace

std::map<std::string, StreamState> states(pg::Tx& tx, OrgId organization,
                                          std::string_view account) {
  std::map<std::string, StreamState> states;
  for (const pg::Row row : tx.exec(kStates, organization, account)) {
    StreamState& state = states[row.get<std::string>("stream")];
    state.synced_to = row.get<std::optional<Time>>("synced_to");
    state.listed_whole_at = row.get<std::optional<Time>>("listed_whole_at");
    state.rescanned_at = row.get<std::optional<Time>>("rescanned_at");
    if (row.is_null("pass_kind")) continue;
    state.open = PassPlan{.kind = pass_kind_named(row.get<std::string>("pass_kind")),
                          .from = row.get<std::int64_t>("pass_from"),
                          .to = row.get<std::int64_t>("pass_to"),
                          .began_at = row.get<Time>("pass_began_at")};
  }
  return states;
}

void begin_pass(pg::Tx& tx, const Place& place, const PassPlan& plan) {
  tx.exec(kBeginPass, place.organization, place.account, place.stream, name_of(plan.kind),
          plan.from, plan.to, plan.began_at);
  tx.exec(kInsertRange, place.organization, place.account, place.stream, plan.to, plan.from);
}

std::vector<Range> ranges_of(pg::Tx& tx, const Place& place) {
  std::vector<Range> ranges;
  for (const pg::Row row : tx.exec(kRanges, place.organization, place.account, place.stream)) {
    ranges.push_back({.lower = row.get<std::int64_t>("lower"),
                      .upper = row.get<std::int64_t>("upper"),
                      .after = row.get<std::string>("after")});
  }
  return ranges;
}

bool end_pass(pg::Tx& tx, const Place& place) {
  return tx.exec(kEndPass, place.organization, place.account, place.stream).affected() > 0;
}

void drop_pass(pg::Tx& tx, const Place& place) {
  tx.exec(kDropRanges, place.organization, place.account, place.stream);
  tx.exec(kForgetPass, place.organization, place.account, place.stream);
}

void save_ranges(pg::Tx& tx, const std::vector<RangeChange>& changes) {
  std::vector<const RangeChange*> sorted;
  for (const RangeChange& change : changes) {
    if (change.resumable) sorted.push_back(&change);
  }
  // Parallel writers take rows in one order.
  std::ranges::sort(sorted, [](const RangeChange* a, const RangeChange* b) {
    return std::tie(a->place, a->range.upper) < std::tie(b->place, b->range.upper);
  });
  pg::Array<OrgId> organization[2];
  pg::Array<std::string> account[2], stream[2], after;
  pg::Array<std::int64_t> upper[2], lower;
  for (const RangeChange* change : sorted) {
    const int list = change->done ? 1 : 0;
    organization[list].add(change->place.organization);
    account[list].add(change->place.account);
    stream[list].add(change->place.stream);
    upper[list].add(change->range.upper);
    if (change->done) continue;
    lower.add(change->range.lower);
    after.add(change->range.after);
  }
  if (!upper[0].empty())
    tx.exec(kSaveRanges, organization[0], account[0], stream[0], upper[0], lower, after);
  if (!upper[1].empty()) tx.exec(kEndRanges, organization[1], account[1], stream[1], upper[1]);
}

std::vector<Range> due_pending(pg::Tx& tx, OrgId organization, std::string_view account, Time now,
                               std::int64_t limit) {
  constexpr std::int64_t kDay = 86'400;
  std::vector<Range> ranges;
  for (const pg::Row row : tx.exec(kDuePending, organization, account, now, limit)) {
    const std::int64_t from = row.get<std::int64_t>("day") * kDay;
    if (!ranges.empty() && ranges.back().upper + 1 == from) ranges.back().upper += kDay;
    else ranges.push_back({.lower = std::max<std::int64_t>(1, from), .upper = from + kDay - 1});
  }
  return ranges;
}

namespace {

std::vector<std::string> ids(const pg::Rows& rows) {
  std::vector<std::string> found;
  for (const pg::Row row : rows) found.push_back(row.get<std::string>(0));
  return found;
}

}  // namespace

std::vector<std::string> customers_not_seen_since(pg::Tx& tx, OrgId organization,
                                                  std::string_view account, Time began_at,
                                                  std::int64_t limit) {
  return ids(tx.exec(kCustomersNotSeen, organization, account, began_at, limit));
}

Cut cut(pg::Tx& tx, OrgId organization, std::string_view account, std::int64_t limit) {
  return {.subscriptions = ids(tx.exec(kSubscriptionsCut, organization, account, limit)),
          .application_fees = ids(tx.exec(kFeesCut, organization, account, limit))};
}

std::vector<std::string> payouts_to_refresh(pg::Tx& tx, OrgId organization,
                                            std::string_view account, Time now,
                                            Time not_shown_since, std::int64_t limit) {
  return ids(tx.exec(kPayoutsToRefresh, organization, account, now, not_shown_since, limit));
}

}  // namespace payoutd::sync::cursors_store
