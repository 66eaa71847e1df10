#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

struct Refund {
  std::int64_t amount = 0;
  std::string currency;
  std::optional<std::string> status, reason, failure_reason, charge, payment_intent;
  std::optional<std::string> balance_transaction, failure_balance_transaction;
  std::optional<std::string> transfer_reversal, source_transfer_reversal;
  Time created{};
};

struct RefundKind {
  using Row = Refund;
  static constexpr std::string_view type = "refund";
  static constexpr auto columns =
      std::tuple{Column{"amount", &Row::amount},
                 Column{"currency", &Row::currency},
                 Column{"status", &Row::status},
                 Column{"reason", &Row::reason},
                 Column{"failure_reason", &Row::failure_reason},
                 Column{"charge_id", &Row::charge},
                 Column{"payment_intent_id", &Row::payment_intent},
                 Column{"balance_transaction_id", &Row::balance_transaction},
                 Column{"failure_balance_transaction_id", &Row::failure_balance_transaction},
                 Column{"transfer_reversal_id", &Row::transfer_reversal},
                 Column{"source_transfer_reversal_id", &Row::source_transfer_reversal},
                 Column{"created", &Row::created}};
  static const Statements& statements();

  static Result<Row> read(const Object& object, const Version&) {
    Fields f(object);
    Row row{.amount = f.integer("amount"),
            .currency = f.currency("currency"),
            .status = f.optional_text("status"),
            .reason = f.optional_text("reason"),
            .failure_reason = f.optional_text("failure_reason"),
            .charge = f.optional_id("charge"),
            .payment_intent = f.optional_id("payment_intent"),
            .balance_transaction = f.optional_id("balance_transaction"),
            .failure_balance_transaction = f.optional_id("failure_balance_transaction"),
            .transfer_reversal = f.optional_id("transfer_reversal"),
            .source_transfer_reversal = f.optional_id("source_transfer_reversal"),
            .created = f.time("created")};
    if (const auto bad = f.error()) return *bad;
    return row;
  }

  // A refund that succeeded may still fail; one that failed or was canceled stays so.
  static Shown shown(const Row& row, const Version& version) {
    const int status = row.status == "failed"      ? 3
                       : row.status == "canceled"  ? 2
                       : row.status == "succeeded" ? 1
                                                   : 0;
    const int step =
        status * 4 + (row.failure_balance_transaction ? 2 : 0) + (row.balance_transaction ? 1 : 0);
    return {.stage = status >= 2, .rank = Progress{later_than_created(version), step}.rank()};
  }
};

const Statements kRefunds("refunds", texts_of(RefundKind::columns));
const Statements& RefundKind::statements() { return kRefunds; }

}  // namespace

std::unique_ptr<Batch> refunds() { return std::make_unique<SetOf<RefundKind>>(); }

}  // namespace payoutd::mirror
