#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

struct Transfer {
  std::int64_t amount = 0, amount_reversed = 0;
  bool reversed = false;
  std::string currency;
  std::optional<std::string> destination, destination_payment, balance_transaction;
  std::optional<std::string> source_transaction, source_type, transfer_group, description;
  JsonText metadata;
  Time created{};
};

struct TransferKind {
  using Row = Transfer;
  static constexpr std::string_view type = "transfer";
  static constexpr auto columns =
      std::tuple{Column{"amount", &Row::amount},
                 Column{"amount_reversed", &Row::amount_reversed},
                 Column{"reversed", &Row::reversed},
                 Column{"currency", &Row::currency},
                 Column{"destination", &Row::destination},
                 Column{"destination_payment_id", &Row::destination_payment},
                 Column{"balance_transaction_id", &Row::balance_transaction},
                 Column{"source_transaction_id", &Row::source_transaction},
                 Column{"source_type", &Row::source_type},
                 Column{"transfer_group", &Row::transfer_group},
                 Column{"description", &Row::description},
                 Column{"metadata", &Row::metadata},
                 Column{"created", &Row::created}};
  static const Statements& statements();

  static Result<Row> read(const Object& object, const Version&) {
    Fields f(object);
    Row row{.amount = f.integer("amount"),
            .amount_reversed = f.integer("amount_reversed"),
            .reversed = f.boolean("reversed"),
            .currency = f.currency("currency"),
            .destination = f.optional_id("destination"),
            .destination_payment = f.optional_id("destination_payment"),
            .balance_transaction = f.optional_id("balance_transaction"),
            .source_transaction = f.optional_id("source_transaction"),
            .source_type = f.optional_text("source_type"),
            .transfer_group = f.optional_text("transfer_group"),
            .description = f.optional_text("description"),
            .metadata = f.sorted("metadata"),
            .created = f.time("created")};
    if (const auto bad = f.error()) return *bad;
    return row;
  }

  static Shown shown(const Row& row, const Version& version) {
    return {.rank = Progress{later_than_created(version), 0, row.amount_reversed}.rank()};
  }
};

const Statements kTransfers("transfers", texts_of(TransferKind::columns));
const Statements& TransferKind::statements() { return kTransfers; }

}  // namespace

std::unique_ptr<Batch> transfers() { return std::make_unique<SetOf<TransferKind>>(); }

}  // namespace payoutd::mirror
