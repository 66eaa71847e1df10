#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

struct Charge {
  std::int64_t amount = 0, amount_captured = 0, amount_refunded = 0;
  std::string currency, status;
  bool paid = false, captured = false, refunded = false, disputed = false;
  std::optional<std::string> balance_transaction, failure_balance_transaction, failure_code;
  std::optional<std::string> payment_intent, customer, payment_method_type;
  std::optional<std::string> application_fee;
  std::optional<std::int64_t> application_fee_amount;
  std::optional<std::string> transfer, transfer_destination, transfer_group, source_transfer;
  std::optional<std::string> on_behalf_of, description;
  Time created{};
};

struct ChargeKind {
  using Row = Charge;
  static constexpr std::string_view type = "charge";
  static constexpr auto columns =
      std::tuple{Column{"amount", &Row::amount},
                 Column{"amount_captured", &Row::amount_captured},
                 Column{"amount_refunded", &Row::amount_refunded},
                 Column{"currency", &Row::currency},
                 Column{"status", &Row::status},
                 Column{"paid", &Row::paid},
                 Column{"captured", &Row::captured},
                 Column{"refunded", &Row::refunded},
                 Column{"disputed", &Row::disputed},
                 Column{"balance_transaction_id", &Row::balance_transaction},
                 Column{"failure_balance_transaction_id", &Row::failure_balance_transaction},
                 Column{"failure_code", &Row::failure_code},
                 Column{"payment_intent_id", &Row::payment_intent},
                 Column{"customer_id", &Row::customer},
                 Column{"payment_method_type", &Row::payment_method_type},
                 Column{"application_fee_id", &Row::application_fee},
                 Column{"application_fee_amount", &Row::application_fee_amount},
                 Column{"transfer_id", &Row::transfer},
                 Column{"transfer_destination", &Row::transfer_destination},
                 Column{"transfer_group", &Row::transfer_group},
                 Column{"source_transfer_id", &Row::source_transfer},
                 Column{"on_behalf_of", &Row::on_behalf_of},
                 Column{"description", &Row::description},
                 Column{"created", &Row::created}};
  static const Statements& statements();

  static Result<Row> read(const Object& object, const Version&) {
    Fields f(object);
    Row row{.amount = f.integer("amount"),
            .amount_captured = f.optional_integer("amount_captured").value_or(0),
            .amount_refunded = f.integer("amount_refunded"),
            .currency = f.currency("currency"),
            .status = f.text("status"),
            .paid = f.boolean("paid"),
            .captured = f.boolean("captured"),
            .refunded = f.boolean("refunded"),
            .disputed = f.optional_boolean("disputed").value_or(false),
            .balance_transaction = f.optional_id("balance_transaction"),
            .failure_balance_transaction = f.optional_id("failure_balance_transaction"),
            .failure_code = f.optional_text("failure_code"),
            .payment_intent = f.optional_id("payment_intent"),
            .customer = f.optional_id("customer"),
            .payment_method_type = f.text_inside("payment_method_details", "type"),
            .application_fee = f.optional_id("application_fee"),
            .application_fee_amount = f.optional_integer("application_fee_amount"),
            .transfer = f.optional_id("transfer"),
            .transfer_destination = f.id_inside("transfer_data", "destination"),
            .transfer_group = f.optional_text("transfer_group"),
            .source_transfer = f.optional_id("source_transfer"),
            .on_behalf_of = f.optional_id("on_behalf_of"),
            .description = f.optional_text("description"),
            .created = f.time("created")};
    if (const auto bad = f.error()) return *bad;
    return row;
  }

  // Within a second a charge is decided, captured, given its balance transaction, refunded,
  // disputed, and never the other way round.
  static Shown shown(const Row& row, const Version& version) {
    const int step = (row.status != "pending" ? 8 : 0) + (row.captured ? 4 : 0) +
                     (row.balance_transaction ? 2 : 0) + (row.disputed ? 1 : 0);
    return {.rank = Progress{later_than_created(version), step, row.amount_refunded}.rank()};
  }
};

const Statements kCharges("charges", texts_of(ChargeKind::columns));
const Statements& ChargeKind::statements() { return kCharges; }

}  // namespace

std::unique_ptr<Batch> charges() { return std::make_unique<SetOf<ChargeKind>>(); }

}  // namespace payoutd::mirror
