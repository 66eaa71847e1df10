#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

constexpr std::size_t kMostRefunds = 1'000;  // shown inside one fee

struct Fee {
  std::int64_t amount = 0, amount_refunded = 0;
  bool refunded = false;
  std::string currency;
  std::optional<std::string> connected_account, charge, originating_transaction;
  std::optional<std::string> balance_transaction;
  Time created{};
  bool cut = false;  // it has more refunds than it shows
};

struct FeeKind {
  using Row = Fee;
  static constexpr std::string_view type = "application_fee";
  static constexpr auto columns =
      std::tuple{Column{"amount", &Row::amount},
                 Column{"amount_refunded", &Row::amount_refunded},
                 Column{"refunded", &Row::refunded},
                 Column{"currency", &Row::currency},
                 Column{"connected_account", &Row::connected_account},
                 Column{"charge_id", &Row::charge},
                 Column{"originating_transaction_id", &Row::originating_transaction},
                 Column{"balance_transaction_id", &Row::balance_transaction},
                 Column{"created", &Row::created},
                 Column{"cut", &Row::cut}};
  static const Statements& statements();

  static Result<Row> read(const Object& object, const Version&) {
    Fields f(object);
    Row row{.amount = f.integer("amount"),
            .amount_refunded = f.integer("amount_refunded"),
            .refunded = f.boolean("refunded"),
            .currency = f.currency("currency"),
            .connected_account = f.optional_id("account"),
            .charge = f.optional_id("charge"),
            .originating_transaction = f.optional_id("originating_transaction"),
            .balance_transaction = f.optional_id("balance_transaction"),
            .created = f.time("created"),
            .cut = f.has_more("refunds")};
    if (const auto bad = f.error()) return *bad;
    return row;
  }

  // A fee that was fetched with all its refunds is not taken back by a cut version of that second.
  static Shown shown(const Row& row, const Version& version) {
    const int step = (row.balance_transaction ? 2 : 0) + (row.cut ? 0 : 1);
    return {.rank = Progress{later_than_created(version), step, row.amount_refunded}.rank()};
  }
};

struct FeeRefund {
  std::string fee, currency;
  std::int64_t amount = 0;
  std::optional<std::string> balance_transaction;
  Time created{};
};

struct FeeRefundKind {
  using Row = FeeRefund;
  static constexpr std::string_view type = "fee_refund";
  static constexpr auto columns =
      std::tuple{Column{"fee_id", &Row::fee}, Column{"amount", &Row::amount},
                 Column{"currency", &Row::currency},
                 Column{"balance_transaction_id", &Row::balance_transaction},
                 Column{"created", &Row::created}};
  static const Statements& statements();

  static Result<Row> read(const Object& object, const Version&) {
    Fields f(object);
    Row row{.fee = f.optional_id("fee").value_or(""),
            .currency = f.currency("currency"),
            .amount = f.integer("amount"),
            .balance_transaction = f.optional_id("balance_transaction"),
            .created = f.time("created")};
    if (row.fee.empty()) f.refuse("fee is missing");
    if (const auto bad = f.error()) return *bad;
    return row;
  }

  static Shown shown(const Row& row, const Version& version) {
    const int step = row.balance_transaction ? 1 : 0;
    return {.rank = Progress{later_than_created(version), step}.rank()};
  }
};

const Statements kFees("application_fees", texts_of(FeeKind::columns));
const Statements& FeeKind::statements() { return kFees; }
const Statements kFeeRefunds("application_fee_refunds", texts_of(FeeRefundKind::columns));
const Statements& FeeRefundKind::statements() { return kFeeRefunds; }

using FeeRefundRows = SetOf<FeeRefundKind>;

// Fees and their refunds in one batch: a fee's events show its refunds inside it, and nothing else
// does when they are made.
class FeesAndRefunds final : public Batch {
 public:
  Result<void> add(std::size_t index, const Version& version, const Object& object) override {
    if (object.type() == FeeRefundKind::type) return refunds_.add(index, version, object);
    Fields fields(object);
    std::optional<Error> bad;
    FeeRefundRows inside;
    fields.each("refunds", kMostRefunds, [&](const Object& refund) {
      if (auto added = inside.add(index, version, refund); !added) bad = added.error();
    });
    if (!bad) bad = fields.error();
    if (bad) return Error{Kind::unprocessable, bad->code, "refunds: " + bad->message};
    if (auto added = fees_.add(index, version, object); !added) return added.error();
    shown_inside_.take(std::move(inside));
    return {};
  }

  void write(pg::Tx& tx, Applied& applied) override {
    fees_.write(tx, applied);
    write_refunds(tx, applied);
  }

 private:
  // The refunds inside fees have no verdict of their own: the fee's stands.
  void write_refunds(pg::Tx& tx, Applied& applied) {
    const std::vector<std::size_t> asked = refunds_.indexes();
    refunds_.take(std::move(shown_inside_));
    Applied written;
    written.verdicts.resize(applied.verdicts.size());
    refunds_.write(tx, written);
    for (const std::size_t index : asked) applied.verdicts[index] = written.verdicts[index];
    applied.refetch.insert(applied.refetch.end(), written.refetch.begin(), written.refetch.end());
    applied.created += written.created;
    applied.changed += written.changed;
  }

  SetOf<FeeKind> fees_;
  FeeRefundRows refunds_, shown_inside_;
};

}  // namespace

std::unique_ptr<Batch> application_fees() { return std::make_unique<FeesAndRefunds>(); }

}  // namespace payoutd::mirror
