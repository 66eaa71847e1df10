#include <map>

#include "mirror/balance_transactions_store.h"
#include "mirror/kinds.h"

// Money never changes and a row never goes back from available to pending, so a list that shows an
// available row again writes nothing, unless the row that stands differs: then it was altered
// behind the program's back, and Stripe's word mends it. Of two lists of a pending row the later
// stands; two of one second are settled by a hash, since the next sync asks for pending rows again
// anyway.

namespace payoutd::mirror {

namespace {

namespace store = balance_transactions_store;
using store::Transaction;
using EntryT = Entry<Transaction>;

Result<Transaction> read(const Object& object, const Version& version) {
  Fields f(object);
  Transaction row{.amount = f.money("amount", "currency"),
                  .net = f.money("net", "currency"),
                  .fee = f.money("fee", "currency"),
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
                      .digest = digest_of(*row, store::kColumns)};
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
        entries_, store::upsert(tx, entries_),
        [&](const EntryT& entry, const pg::Row& row) {
          Verdict& verdict = applied.verdicts[entry.index];
          verdict.outcome = Outcome::applied;
          verdict.created = row.get<bool>("created");
          ++(verdict.created ? applied.created : applied.changed);
        },
        [&](const EntryT& entry) { applied.verdicts[entry.index].outcome = Outcome::stale; });
    if (!settled_by_.empty()) store::join_payouts(tx, settled_by_);
  }

 private:
  void remember(const Key& key, const Transaction& row, std::int64_t shown_at) {
    store::SettledBy seen{shown_at, row.payout};
    const auto [at, fresh] = settled_by_.emplace(key, seen);
    if (!fresh && at->second < seen) at->second = std::move(seen);
  }

  std::vector<EntryT> entries_;
  std::map<Key, store::SettledBy> settled_by_;
};

}  // namespace

std::unique_ptr<Batch> balance_transactions() { return std::make_unique<BalanceTransactions>(); }

}  // namespace payoutd::mirror
