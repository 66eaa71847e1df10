#include "mirror/customers_store.h"
#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

struct Customer {
  std::optional<std::string> email, name, currency;
  std::optional<std::int64_t> balance;
  std::optional<bool> delinquent;
  bool deleted = false;
  std::optional<Time> created;
};

struct CustomerKind {
  using Row = Customer;
  static constexpr std::string_view type = "customer";
  static constexpr auto columns = std::tuple{Column{"email", &Row::email},
                                             Column{"name", &Row::name},
                                             Column{"currency", &Row::currency},
                                             Column{"balance", &Row::balance},
                                             Column{"delinquent", &Row::delinquent},
                                             Column{"deleted", &Row::deleted},
                                             Column{"created", &Row::created, Keep::first}};
  static const Statements& statements();

  // A deleted one is shown whole by its event and as a stub by a fetch: both leave the same row.
  static Result<Row> read(const Object& object, const Version& version) {
    Fields f(object);
    const bool deleted =
        f.optional_boolean("deleted").value_or(false) ||
        (version.source == Source::event && version.event_type == "customer.deleted");
    Row row;
    row.deleted = deleted;
    row.created = f.optional_time("created");
    if (!deleted) {
      row.email = f.optional_text("email");
      row.name = f.optional_text("name");
      row.currency = f.optional_currency("currency");
      row.balance = f.optional_integer("balance");
      row.delinquent = f.optional_boolean("delinquent");
      if (!row.created) f.refuse("created is missing");
    }
    if (const auto bad = f.error()) return *bad;
    return row;
  }

  static Shown shown(const Row& row, const Version& version) {
    return {.stage = row.deleted, .rank = Progress{later_than_created(version)}.rank()};
  }

  // Only a deletion may come without `created`; any other version knows it.
  static void keep(Row& winner, const Row& loser) {
    if (!winner.created) winner.created = loser.created;
  }
  static void keep_stored(pg::Tx& tx, const std::vector<const Entry<Row>*>& beaten) {
    std::vector<customers_store::Created> created;
    for (const auto* entry : beaten)
      if (entry->row.created) created.push_back({entry->key, *entry->row.created});
    if (!created.empty()) customers_store::keep_created(tx, created);
  }
};

const Statements kCustomers("customers", texts_of(CustomerKind::columns));
const Statements& CustomerKind::statements() { return kCustomers; }

}  // namespace

std::unique_ptr<Batch> customers() { return std::make_unique<SetOf<CustomerKind>>(); }

}  // namespace payoutd::mirror
