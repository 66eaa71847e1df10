#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

struct PaymentIntent {
  std::int64_t amount = 0, amount_received = 0, amount_capturable = 0;
  std::string currency, status;
  std::optional<std::string> latest_charge, customer, capture_method, cancellation_reason;
  std::optional<std::string> last_error_code;
  std::optional<std::int64_t> application_fee_amount;
  std::optional<std::string> transfer_destination, transfer_group, description;
  std::optional<Time> canceled_at;
  Time created{};
};

struct PaymentIntentKind {
  using Row = PaymentIntent;
  static constexpr std::string_view type = "payment_intent";
  static constexpr auto columns =
      std::tuple{Column{"amount", &Row::amount},
                 Column{"amount_received", &Row::amount_received},
                 Column{"amount_capturable", &Row::amount_capturable},
                 Column{"currency", &Row::currency},
                 Column{"status", &Row::status},
                 Column{"latest_charge_id", &Row::latest_charge},
                 Column{"customer_id", &Row::customer},
                 Column{"capture_method", &Row::capture_method},
                 Column{"cancellation_reason", &Row::cancellation_reason},
                 Column{"last_error_code", &Row::last_error_code},
                 Column{"application_fee_amount", &Row::application_fee_amount},
                 Column{"transfer_destination", &Row::transfer_destination},
                 Column{"transfer_group", &Row::transfer_group},
                 Column{"description", &Row::description},
                 Column{"canceled_at", &Row::canceled_at},
                 Column{"created", &Row::created}};
  static const Statements& statements();

  static Result<Row> read(const Object& object, const Version&) {
    Fields f(object);
    Row row{.amount = f.integer("amount"),
            .amount_received = f.optional_integer("amount_received").value_or(0),
            .amount_capturable = f.optional_integer("amount_capturable").value_or(0),
            .currency = f.currency("currency"),
            .status = f.text("status"),
            .latest_charge = f.optional_id("latest_charge"),
            .customer = f.optional_id("customer"),
            .capture_method = f.optional_text("capture_method"),
            .cancellation_reason = f.optional_text("cancellation_reason"),
            .last_error_code = f.text_inside("last_payment_error", "code"),
            .application_fee_amount = f.optional_integer("application_fee_amount"),
            .transfer_destination = f.id_inside("transfer_data", "destination"),
            .transfer_group = f.optional_text("transfer_group"),
            .description = f.optional_text("description"),
            .canceled_at = f.optional_time("canceled_at"),
            .created = f.time("created")};
    if (const auto bad = f.error()) return *bad;
    return row;
  }

  // succeeded and canceled are for ever. From requires_capture one only gets there; the other
  // states may follow each other in any order (a declined card leads back), so nothing orders them.
  static Shown shown(const Row& row, const Version& version) {
    const bool over = row.status == "succeeded" || row.status == "canceled";
    const int step = over ? 2 : row.status == "requires_capture" ? 1 : 0;
    return {.stage = over,
            .rank = Progress{later_than_created(version), step, row.amount_received}.rank()};
  }
};

const Statements kPaymentIntents("payment_intents", texts_of(PaymentIntentKind::columns));
const Statements& PaymentIntentKind::statements() { return kPaymentIntents; }

}  // namespace

std::unique_ptr<Batch> payment_intents() { return std::make_unique<SetOf<PaymentIntentKind>>(); }

}  // namespace payoutd::mirror
