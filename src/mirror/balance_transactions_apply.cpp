#include <map>

#include "mirror/kinds.h"
#include "mirror/set.h"

// Money never changes and a row never goes back from available to pending, so a list that shows an
// available row again writes nothing, unless the row that stands differs: then it was altered
// behind the program's back, and Stripe's word mends it. Of two lists of a pending row the later
// stands; two of one second are settled by a hash, since the next sync asks for pending rows again
// anyway.

namespace payoutd::mirror {

namespace {

struct Transaction {
  std::int64_t amount = 0, net = 0, fee = 0;
  std::string currency, type, reporting_category, status, balance_type;
  std::optional<std::string> source, description;
  Time available_on{}, created{};
  std::optional<Decimal> exchange_rate;
  JsonText fee_details;
  std::string payout;  // that it was listed for; not a column of Stripe's
};

constexpr auto kColumns = std::tuple{Column{"amount", &Transaction::amount},
                                     Column{"net", &Transaction::net},
                                     Column{"fee", &Transaction::fee},
                                     Column{"currency", &Transaction::currency},
                                     Column{"type", &Transaction::type},
                                     Column{"reporting_category", &Transaction::reporting_category},
                                     Column{"status", &Transaction::status},
                                     Column{"balance_type", &Transaction::balance_type},
                                     Column{"source_id", &Transaction::source},
                                     Column{"description", &Transaction::description},
                                     Column{"available_on", &Transaction::available_on},
                                     Column{"created", &Transaction::created},
                                     Column{"exchange_rate", &Transaction::exchange_rate},
                                     Column{"fee_details", &Transaction::fee_details}};

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

using EntryT = Entry<Transaction>;

Result<Transaction> read(const Object& object, const Version& version) {
  Fields f(object);
  Transaction row{.amount = f.integer("amount"),
                  .net = f.integer("net"),
                  .fee = f.integer("fee"),
                  .currency = f.currency("currency"),
                  .type = f.text("type"),
                  .reporting_category = f.text("reporting_category"),
                  .status = f.text("status"),
                  .balance_type = f.optional_text("balance_type").value_or("payments"),
                  .source = f.optional_id("source"),
                  .description = f.optional_text("description"),
                  .available_on = f.time("available_on"),
                  .created = f.time("created"),
                  .exchange_rate = {},
                  .fee_details = f.json("fee_details", "[]"),
                  .payout = std::string(version.listed_for_payout)};
  if (f.optional_json("exchange_rate")) {
    row.exchange_rate = raw_number(version.object, "exchange_rate");
    if (!row.exchange_rate) f.refuse("exchange_rate is not a number");
  }
  if (const auto bad = f.error()) return *bad;
  return row;
}

class BalanceTransactions final : public Batch {
 public:
  Result<void> add(std::size_t index, const Version& version, const Object& object) override {
    Fields fields(object);
    Key key{version.organization, std::string(version.account), fields.id("id")};
    if (const auto bad = fields.error()) return *bad;
    auto row = read(object, version);
    if (!row) return row.error();
    const Shown shown{.stage = row->status == "available",
                      .at = to_unix(version.shown_at),
                      .digest = digest_of(*row, kColumns)};
    if (!row->payout.empty()) remember(key, *row, shown.at);
    entries_.push_back({std::move(key), shown, false, index, *std::move(row)});
    return {};
  }

  void write(pg::Tx& tx, Applied& applied) override {
    if (entries_.empty()) return;
    fold(
        entries_, [&](std::size_t index) { applied.verdicts[index].outcome = Outcome::stale; },
        [](Transaction&, const Transaction&) {});
    match(
        entries_, upsert(tx),
        [&](const EntryT& entry, const pg::Row& row) {
          Verdict& verdict = applied.verdicts[entry.index];
          verdict.outcome = Outcome::applied;
          verdict.created = row.get<bool>("created");
          ++(verdict.created ? applied.created : applied.changed);
        },
        [&](const EntryT& entry) { applied.verdicts[entry.index].outcome = Outcome::stale; });
    join_payouts(tx);
  }

 private:
  struct Membership {
    std::int64_t shown_at;
    std::string payout;
    auto operator<=>(const Membership&) const = default;
  };

  void remember(const Key& key, const Transaction& row, std::int64_t shown_at) {
    Membership seen{shown_at, row.payout};
    const auto [at, fresh] = members_.emplace(key, seen);
    if (!fresh && at->second < seen) at->second = std::move(seen);
  }

  pg::Rows upsert(pg::Tx& tx) const {
    pg::Array<OrgId> organization;
    pg::Array<std::string> account, stripe_id;
    pg::Array<Time> shown_at;
    pg::Array<std::int64_t> digest;
    ArraysOf<std::remove_const_t<decltype(kColumns)>>::type arrays;
    for (const EntryT& entry : entries_) {
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

  void join_payouts(pg::Tx& tx) const {
    if (members_.empty()) return;
    pg::Array<OrgId> organization;
    pg::Array<std::string> account, stripe_id, payout;
    pg::Array<Time> shown_at;
    for (const auto& [key, membership] : members_) {
      organization.add(key.organization);
      account.add(key.account);
      stripe_id.add(key.stripe_id);
      payout.add(membership.payout);
      shown_at.add(from_unix(membership.shown_at));
    }
    tx.exec(kJoinPayout, organization, account, stripe_id, payout, shown_at);
  }

  std::vector<EntryT> entries_;
  std::map<Key, Membership> members_;
};

}  // namespace

std::unique_ptr<Batch> balance_transactions() { return std::make_unique<BalanceTransactions>(); }

}  // namespace payoutd::mirror
