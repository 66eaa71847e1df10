#include <fmt/format.h>

#include "base/json.h"
#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

constexpr std::size_t kMostRows = 100;  // of balance transactions of one dispute

struct Dispute {
  std::int64_t amount = 0;
  std::string currency, status;
  std::optional<std::string> reason, charge, payment_intent;
  std::optional<bool> is_charge_refundable;
  std::optional<Time> evidence_due_by;
  JsonText balance_transactions;
  Time created{};
  std::int64_t movements = 0;  // how many balance transactions it has
};

// A dispute shows its balance transactions whole; the amounts are what reports need of them.
JsonText movements_of(Fields& fields, std::int64_t& count) {
  OrderedJson rows = OrderedJson::array();
  fields.each("balance_transactions", kMostRows, [&](const Object& object) {
    Fields f(object);
    rows.push_back({{"id", f.id("id")},
                    {"amount", f.integer("amount")},
                    {"fee", f.integer("fee")},
                    {"net", f.integer("net")},
                    {"reporting_category", f.optional_text("reporting_category").value_or("")}});
    if (const auto bad = f.error()) fields.refuse("balance_transactions: " + bad->message);
  });
  count = static_cast<std::int64_t>(rows.size());
  return {dump(rows)};
}

std::optional<Time> due_by(Fields& fields) {
  const auto details = fields.optional_object("evidence_details");
  if (!details) return std::nullopt;
  Fields f(*details);
  const auto due = f.optional_time("due_by");
  if (const auto bad = f.error()) fields.refuse("evidence_details." + bad->message);
  return due;
}

int step_of(std::string_view status) {
  constexpr std::pair<std::string_view, int> kSteps[] = {{"warning_needs_response", 1},
                                                         {"warning_under_review", 2},
                                                         {"warning_closed", 3},
                                                         {"needs_response", 4},
                                                         {"under_review", 5},
                                                         {"won", 6},
                                                         {"lost", 6},
                                                         {"prevented", 6}};
  for (const auto& [word, step] : kSteps) {
    if (word == status) return step;
  }
  return 0;
}

struct DisputeKind {
  using Row = Dispute;
  static constexpr std::string_view type = "dispute";
  static constexpr auto columns =
      std::tuple{Column{"amount", &Row::amount},
                 Column{"currency", &Row::currency},
                 Column{"status", &Row::status},
                 Column{"reason", &Row::reason},
                 Column{"charge_id", &Row::charge},
                 Column{"payment_intent_id", &Row::payment_intent},
                 Column{"is_charge_refundable", &Row::is_charge_refundable},
                 Column{"evidence_due_by", &Row::evidence_due_by},
                 Column{"balance_transactions", &Row::balance_transactions},
                 Column{"created", &Row::created}};
  static const Statements& statements();

  static Result<Row> read(const Object& object, const Version&) {
    Fields f(object);
    Row row{.amount = f.integer("amount"),
            .currency = f.currency("currency"),
            .status = f.text("status"),
            .reason = f.optional_text("reason"),
            .charge = f.optional_id("charge"),
            .payment_intent = f.optional_id("payment_intent"),
            .is_charge_refundable = f.optional_boolean("is_charge_refundable"),
            .evidence_due_by = due_by(f),
            .balance_transactions = {},
            .created = f.time("created")};
    row.balance_transactions = movements_of(f, row.movements);
    if (const auto bad = f.error()) return *bad;
    return row;
  }

  // Even a lost dispute may be won months later, so none is over; within a second its states and
  // its movements of money only go forward.
  static Shown shown(const Row& row, const Version& version) {
    return {.rank =
                Progress{later_than_created(version), step_of(row.status), row.movements}.rank()};
  }
};

const Statements kDisputes("disputes", texts_of(DisputeKind::columns));
const Statements& DisputeKind::statements() { return kDisputes; }

}  // namespace

std::unique_ptr<Batch> disputes() { return std::make_unique<SetOf<DisputeKind>>(); }

}  // namespace payoutd::mirror
