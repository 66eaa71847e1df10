#include <fmt/format.h>

#include "base/json.h"
#include "mirror/annual.h"
#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

constexpr std::size_t kMostItems = 1'000;  // Stripe allows 20, more by arrangement
constexpr Millionths kMostAnnual = Millionths{1'000'000'000'000'000'000} * 1'000'000'000'000'000;

struct Subscription {
  std::optional<std::string> customer;
  std::string status;
  std::optional<std::string> currency;
  JsonText items;
  Decimal annual_amount;
  JsonText discounts;
  bool collection_paused = false, cancel_at_period_end = false;
  std::optional<Time> trial_start, trial_end, start_date, cancel_at, canceled_at, ended_at;
  std::optional<std::string> cancellation_reason, latest_invoice;
  Time created{};
  bool cut = false;             // `items` are not all
  bool items_of_older = false;  // taken from a whole version of the same call
};

OrderedJson seconds_or_null(const std::optional<Time>& time) {
  return time ? OrderedJson(to_unix(*time)) : OrderedJson(nullptr);
}

struct Items {
  OrderedJson rows = OrderedJson::array();
  Millionths annual = 0;
};

// Reads one item and its price; the price of a metered or tiered one adds nothing.
Result<void> read_item(const Object& object, Items& items) {
  Fields item(object);
  const auto price = item.optional_object("price");
  if (!price) return Error{Kind::unprocessable, "object_invalid", "items: price is missing"};
  Fields p(*price);
  const auto recurring = p.optional_object("recurring");
  Fields r(recurring.value_or(*price));
  const auto unit = p.optional_integer("unit_amount");
  auto decimal = p.optional_text("unit_amount_decimal");
  if (!decimal && unit) decimal = std::to_string(*unit);
  const auto quantity = item.optional_integer("quantity");
  const auto interval = r.optional_text("interval");
  const auto count = r.optional_integer("interval_count");
  const auto usage = r.optional_text("usage_type");
  items.rows.push_back(
      {{"id", item.id("id")},
       {"price", p.id("id")},
       {"product", or_null(p.optional_id("product"))},
       {"unit_amount", or_null(unit)},
       {"unit_amount_decimal", or_null(decimal)},
       {"quantity", or_null(quantity)},
       {"interval", or_null(interval)},
       {"interval_count", or_null(count)},
       {"usage_type", or_null(usage)},
       {"current_period_start", seconds_or_null(item.optional_time("current_period_start"))},
       {"current_period_end", seconds_or_null(item.optional_time("current_period_end"))}});
  for (const Fields* f : {&item, &p, &r}) {
    if (auto bad = f->error()) return Error{bad->kind, bad->code, "items: " + bad->message};
  }
  if (usage == "metered" || !decimal || !interval) return {};
  const auto annual =
      annual_millionths({*decimal, quantity.value_or(1), *interval, count.value_or(1)});
  if (!annual) return annual.error();
  if (__builtin_add_overflow(items.annual, *annual, &items.annual) || items.annual > kMostAnnual ||
      items.annual < -kMostAnnual) {
    return Error{Kind::unprocessable, "object_invalid", "items: the sum does not fit"};
  }
  return {};
}

Result<Items> read_items(const Object& object) {
  Fields f(object);
  Items items;
  std::optional<Error> bad;
  f.each("items", kMostItems, [&](const Object& item) {
    if (bad) return;
    if (auto read = read_item(item, items); !read) bad = read.error();
  });
  if (!bad) bad = f.error();
  if (bad) return *bad;
  return items;
}

struct SubscriptionKind {
  using Row = Subscription;
  static constexpr std::string_view type = "subscription";
  static constexpr auto columns =
      std::tuple{Column{"customer_id", &Row::customer},
                 Column{"status", &Row::status},
                 Column{"currency", &Row::currency},
                 Column{"items", &Row::items, Keep::when_cut},
                 Column{"annual_amount", &Row::annual_amount, Keep::when_cut},
                 Column{"discounts", &Row::discounts},
                 Column{"collection_paused", &Row::collection_paused},
                 Column{"cancel_at_period_end", &Row::cancel_at_period_end},
                 Column{"trial_start", &Row::trial_start},
                 Column{"trial_end", &Row::trial_end},
                 Column{"start_date", &Row::start_date},
                 Column{"cancel_at", &Row::cancel_at},
                 Column{"canceled_at", &Row::canceled_at},
                 Column{"ended_at", &Row::ended_at},
                 Column{"cancellation_reason", &Row::cancellation_reason},
                 Column{"latest_invoice_id", &Row::latest_invoice},
                 Column{"created", &Row::created},
                 Column{"cut", &Row::cut}};
  static const Statements& statements();

  static Result<Row> read(const Object& object, const Version&) {
    Fields f(object);
    auto items = read_items(object);
    if (!items) return items.error();
    Row row{.customer = f.optional_id("customer"),
            .status = f.text("status"),
            .currency = f.optional_currency("currency"),
            .items = {dump(items->rows)},
            .annual_amount = {millionths_text(items->annual)},
            .discounts = f.json("discounts", "[]"),
            .collection_paused = f.optional_object("pause_collection").has_value(),
            .cancel_at_period_end = f.optional_boolean("cancel_at_period_end").value_or(false),
            .trial_start = f.optional_time("trial_start"),
            .trial_end = f.optional_time("trial_end"),
            .start_date = f.optional_time("start_date"),
            .cancel_at = f.optional_time("cancel_at"),
            .canceled_at = f.optional_time("canceled_at"),
            .ended_at = f.optional_time("ended_at"),
            .cancellation_reason = f.text_inside("cancellation_details", "reason"),
            .latest_invoice = f.optional_id("latest_invoice"),
            .created = f.time("created"),
            .cut = f.has_more("items")};
    if (const auto bad = f.error()) return *bad;
    return row;
  }

  static void keep(Row& winner, const Row& loser) {
    if (!winner.cut || winner.items_of_older || loser.cut) return;
    winner.items = loser.items;
    winner.annual_amount = loser.annual_amount;
    winner.items_of_older = true;
  }

  // It begins incomplete, may go back and forth between active, past due, unpaid and paused, and
  // ends canceled or expired. What is fetched with all its items is not taken back by a version of
  // the same second that shows some of them.
  static Shown shown(const Row& row, const Version& version) {
    const bool over = row.status == "canceled" || row.status == "incomplete_expired";
    const int step = over ? 2 : row.status == "incomplete" ? 0 : 1;
    const int whole = row.cut ? 0 : 1;
    return {.stage = over, .rank = Progress{later_than_created(version), 2 * step + whole}.rank()};
  }
};

const Statements kSubscriptions("subscriptions", texts_of(SubscriptionKind::columns));
const Statements& SubscriptionKind::statements() { return kSubscriptions; }

}  // namespace

std::unique_ptr<Batch> subscriptions() { return std::make_unique<SetOf<SubscriptionKind>>(); }

}  // namespace payoutd::mirror
