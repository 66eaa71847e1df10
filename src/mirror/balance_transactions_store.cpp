#include "mirror/balance_transactions_store.h"

#include "http/page.h"
#include "mirror/balance_transactions.h"

namespace payoutd::mirror {

namespace {

const pg::Query kUpsert{"upsert_balance_transactions", R"sql(
  INSERT INTO balance_transactions AS t (organization_id, account, stripe_id, shown_at, digest,
         amount, net, fee, currency, type, reporting_category, status, balance_type, source_id,
         description, available_on, created, exchange_rate, fee_details)
  SELECT organization_id, account, stripe_id, shown_at, digest,
         amount, net, fee, currency, type, reporting_category, status, balance_type, source_id,
         description, available_on, created, exchange_rate::numeric, fee_details::jsonb
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[],
                $6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[],
                $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[],
                $17::timestamptz[], $18::text[], $19::text[])
         AS given(organization_id, account, stripe_id, shown_at, digest,
                  amount, net, fee, currency, type, reporting_category, status, balance_type,
                  source_id, description, available_on, created, exchange_rate, fee_details)
  ON CONFLICT (organization_id, account, stripe_id) DO UPDATE SET
         shown_at = excluded.shown_at, digest = excluded.digest,
         amount = excluded.amount, net = excluded.net, fee = excluded.fee,
         currency = excluded.currency, type = excluded.type,
         reporting_category = excluded.reporting_category, status = excluded.status,
         balance_type = excluded.balance_type, source_id = excluded.source_id,
         description = excluded.description, available_on = excluded.available_on,
         created = excluded.created, exchange_rate = excluded.exchange_rate,
         fee_details = excluded.fee_details
   WHERE (excluded.status = 'available', excluded.shown_at, excluded.digest) >
         (t.status = 'available', t.shown_at, t.digest)
     AND (t.status = 'pending' OR t.digest <> excluded.digest
          OR (t.amount, t.net, t.fee, t.currency, t.type, t.reporting_category, t.created,
              t.available_on, t.balance_type, t.source_id, t.description, t.exchange_rate,
              t.fee_details)
             IS DISTINCT FROM
             (excluded.amount, excluded.net, excluded.fee, excluded.currency, excluded.type,
              excluded.reporting_category, excluded.created, excluded.available_on,
              excluded.balance_type, excluded.source_id, excluded.description,
              excluded.exchange_rate, excluded.fee_details))
  RETURNING account, stripe_id, xmax = 0 AS created)sql"};

// The newest list that names a payout for a row stands: a row of a failed payout is settled again.
const pg::Query kJoinPayout{"join_balance_transactions_to_payout", R"sql(
  UPDATE balance_transactions AS t
     SET payout_id = given.payout_id, payout_shown_at = given.shown_at
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
         AS given(organization_id, account, stripe_id, payout_id, shown_at)
   WHERE t.organization_id = given.organization_id AND t.account = given.account
     AND t.stripe_id = given.stripe_id
     AND (t.payout_id IS NULL OR (given.shown_at, given.payout_id) > (t.payout_shown_at, t.payout_id)))sql"};

// The filters are bound in every statement; each is planned for the values at hand (see
// plan_afresh), so that the absent ones vanish and the fitting index is found.
const pg::Query kList{"list_balance_transactions", R"sql(
  SELECT account, stripe_id, amount, net, fee, currency, fee_details, type, reporting_category, status,
         balance_type, source_id, description, exchange_rate::text AS exchange_rate, payout_id,
         available_on, created
    FROM balance_transactions
   WHERE organization_id = $1
     AND ($2::text IS NULL OR account = $2) AND ($3::text IS NULL OR type = $3)
     AND ($4::text IS NULL OR currency = $4) AND ($5::text IS NULL OR reporting_category = $5)
     AND ($6::text IS NULL OR status = $6) AND ($7::text IS NULL OR payout_id = $7)
     AND ($8::timestamptz IS NULL OR created >= $8) AND ($9::timestamptz IS NULL OR created <= $9)
     AND ($10::timestamptz IS NULL OR (created, stripe_id, account) < ($10, $11::text, $12::text))
   ORDER BY created DESC, stripe_id DESC, account DESC LIMIT $13 OFFSET $14)sql"};

const pg::Query kCount{"count_balance_transactions", R"sql(
  SELECT count(*) AS total FROM balance_transactions
   WHERE organization_id = $1
     AND ($2::text IS NULL OR account = $2) AND ($3::text IS NULL OR type = $3)
     AND ($4::text IS NULL OR currency = $4) AND ($5::text IS NULL OR reporting_category = $5)
     AND ($6::text IS NULL OR status = $6) AND ($7::text IS NULL OR payout_id = $7)
     AND ($8::timestamptz IS NULL OR created >= $8)
     AND ($9::timestamptz IS NULL OR created <= $9))sql"};

const pg::Query kOfPayout{"balance_transactions_of_payout", R"sql(
  SELECT account, stripe_id, amount, net, fee, currency, fee_details, type, reporting_category, status,
         balance_type, source_id, description, exchange_rate::text AS exchange_rate, payout_id,
         available_on, created
    FROM balance_transactions
   WHERE organization_id = $1 AND account = $2 AND payout_id = $3
   ORDER BY created DESC, stripe_id DESC LIMIT $4)sql"};

const pg::Query kFind{"find_balance_transaction", R"sql(
  SELECT account, stripe_id, amount, net, fee, currency, fee_details, type, reporting_category, status,
         balance_type, source_id, description, exchange_rate::text AS exchange_rate, payout_id,
         available_on, created
    FROM balance_transactions
   WHERE organization_id = $1 AND account = $2 AND stripe_id = $3)sql"};

const pg::Query kRemove{"remove_balance_transactions", R"sql(
  DELETE FROM balance_transactions
   WHERE organization_id = $1 AND account = $2 AND stripe_id = ANY ($3::text[]))sql"};

using OptionalText = std::optional<std::string>;

BalanceTransaction read(const pg::Row& row) {
  BalanceTransaction found;
  found.account = row.get<std::string>("account");
  found.stripe_id = row.get<std::string>("stripe_id");
  const auto currency = row.get<Currency>("currency");
  found.amount = {row.get<std::int64_t>("amount"), currency};
  found.net = {row.get<std::int64_t>("net"), currency};
  found.fee = {row.get<std::int64_t>("fee"), currency};
  found.fee_details = row.get<Json>("fee_details");
  found.type = row.get<std::string>("type");
  found.reporting_category = row.get<std::string>("reporting_category");
  found.status = row.get<std::string>("status");
  found.balance_type = row.get<std::string>("balance_type");
  found.source_id = row.get<OptionalText>("source_id");
  found.description = row.get<OptionalText>("description");
  found.exchange_rate = row.get<OptionalText>("exchange_rate");
  found.payout_id = row.get<OptionalText>("payout_id");
  found.available_on = row.get<Time>("available_on");
  found.created = row.get<Time>("created");
  return found;
}

std::vector<BalanceTransaction> read_all(const pg::Rows& rows) {
  std::vector<BalanceTransaction> all;
  all.reserve(rows.size());
  for (const pg::Row row : rows) all.push_back(read(row));
  return all;
}

// The cursor's id is "<txn>.<acct>": neither has a dot.
struct After {
  std::optional<Time> created{};
  OptionalText stripe_id{}, account{};
};

Result<After> after(const http::Page& page) {
  const auto cursor = page.after();
  if (!cursor) return cursor.error();
  if (!*cursor) return After{};
  const std::string& id = (*cursor)->id;
  const auto dot = id.find('.');
  if (dot == std::string::npos) return http::invalid_cursor();
  return After{(*cursor)->time, id.substr(0, dot), id.substr(dot + 1)};
}

}  // namespace

Result<http::PageOf<BalanceTransaction>> list_balance_transactions(
    pg::Tx& tx, OrgId organization, const BalanceTransactionFilter& f, const http::Page& page) {
  const auto from = after(page);
  if (!from) return from.error();
  tx.plan_afresh();
  auto found = http::cut(
      read_all(tx.exec(kList, organization, f.account, f.type, f.currency, f.reporting_category,
                       f.status, f.payout, f.from, f.to, from->created, from->stripe_id,
                       from->account, page.limit + 1, page.offset)),
      page, [](const BalanceTransaction& last) {
        return http::Cursor{last.created, last.stripe_id + "." + last.account};
      });
  if (page.with_total) {
    found.total = tx.exec(kCount, organization, f.account, f.type, f.currency, f.reporting_category,
                          f.status, f.payout, f.from, f.to)
                      .one()
                      .get<std::int64_t>("total");
  }
  return found;
}

std::vector<BalanceTransaction> transactions_of_payout(pg::Tx& tx, OrgId organization,
                                                       std::string_view account,
                                                       std::string_view payout,
                                                       std::int64_t limit) {
  return read_all(tx.exec(kOfPayout, organization, account, payout, limit));
}

std::optional<BalanceTransaction> find_balance_transaction(pg::Tx& tx, OrgId organization,
                                                           std::string_view account,
                                                           std::string_view stripe_id) {
  const auto row = tx.exec(kFind, organization, account, stripe_id).maybe();
  if (!row) return std::nullopt;
  return read(*row);
}

std::size_t remove_balance_transactions(pg::Tx& tx, OrgId organization, std::string_view account,
                                        const std::vector<std::string>& stripe_ids) {
  pg::Array<std::string> ids;
  for (const std::string& id : stripe_ids) ids.add(id);
  return tx.exec(kRemove, organization, account, ids).affected();
}

OrderedJson to_json(const BalanceTransaction& t) {
  const auto decimal = [](Money money) {
    return money.currency.known() ? OrderedJson(to_decimal(money)) : OrderedJson(nullptr);
  };
  return {{"id", t.stripe_id},
          {"account", t.account},
          {"amount", t.amount.minor},
          {"amount_decimal", decimal(t.amount)},
          {"currency", t.amount.currency.str()},
          {"fee", t.fee.minor},
          {"fee_details", OrderedJson(t.fee_details)},
          {"net", t.net.minor},
          {"net_decimal", decimal(t.net)},
          {"type", t.type},
          {"reporting_category", t.reporting_category},
          {"source", or_null(t.source_id)},
          {"description", or_null(t.description)},
          {"status", t.status},
          {"available_on", to_iso(t.available_on)},
          {"created", to_iso(t.created)},
          {"exchange_rate", or_null(t.exchange_rate)},
          {"balance_type", t.balance_type},
          {"payout", or_null(t.payout_id)}};
}

namespace balance_transactions_store {

pg::Rows upsert(pg::Tx& tx, const std::vector<Entry<Transaction>>& entries) {
  pg::Array<OrgId> organization;
  pg::Array<std::string> account, stripe_id;
  pg::Array<Time> shown_at;
  pg::Array<std::int64_t> digest;
  ArraysOf<std::remove_const_t<decltype(kColumns)>>::type arrays;
  for (const Entry<Transaction>& entry : entries) {
    organization.add(entry.key.organization);
    account.add(entry.key.account);
    stripe_id.add(entry.key.stripe_id);
    shown_at.add(from_unix(entry.shown.at));
    digest.add(entry.shown.digest);
    append_row(arrays, entry.row, kColumns);
  }
  return std::apply(
      [&](const auto&... array) {
        return tx.exec(kUpsert, organization, account, stripe_id, shown_at, digest, array...);
      },
      arrays);
}

void join_payouts(pg::Tx& tx, const std::map<Key, SettledBy>& settled_by) {
  pg::Array<OrgId> organization;
  pg::Array<std::string> account, stripe_id, payout;
  pg::Array<Time> shown_at;
  for (const auto& [key, settled_by_payout] : settled_by) {
    organization.add(key.organization);
    account.add(key.account);
    stripe_id.add(key.stripe_id);
    payout.add(settled_by_payout.payout);
    shown_at.add(from_unix(settled_by_payout.shown_at));
  }
  tx.exec(kJoinPayout, organization, account, stripe_id, payout, shown_at);
}

}  // namespace balance_transactions_store

}  // namespace payoutd::mirror
