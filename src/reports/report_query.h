// What every report is asked: whose, in which currency, from when to when in which time zone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/currency.h"
#include "base/json.h"
#include "http/params.h"
#include "jobs/time_zone.h"
#include "pg/database.h"
#include "reports/movements_store.h"
#include "reports/period.h"

namespace payoutd::reports {

struct ReportQuery {
  std::optional<std::string> account{};  // none: all of the organization's
  std::optional<Currency> currency{};    // none: the account's, or the default account's
  std::string timezone = "UTC";
  const jobs::TimeZone* zone = nullptr;  // never null once read
  GroupBy group_by = GroupBy::day;
  Range range{};
};

enum class Grouped { no, yes };  // whether the report takes groupBy

// Reads `account currency timezone startDate endDate groupBy`, noting mistakes in `fields`. A date
// is a whole day of the zone, also as the end; an instant is where the report ends. Without dates:
// the last 30 days, today included, up to this second.
ReportQuery read_query(http::Fields& fields, Time now, Grouped grouped);

// The parameters above as OpenAPI Parameter Objects.
Json query_parameters(Grouped grouped);

// Whose figures a report adds up, all in one currency.
struct Scope {
  Accounts accounts{};  // with movements in the currency
  std::vector<std::string> every_account{};
  std::vector<std::string> other_currencies{};
  // Payments and refunds at the far end of a transfer are left out: the organization's own platform
  // has the charge.
  bool without_transfers = false;
  // Up to when the accounts' balance transactions are mirrored; nothing: one was never synced.
  std::optional<Time> fresh_until{};
};

// Errors: 404 `account_not_found`, for another organization's too; 400 `currency_needed` where the
// account has no currency of its own and never had a movement.
Result<Scope> scope_of(pg::Tx& tx, OrgId organization, const ReportQuery& query);

OrderedJson or_null(const std::optional<std::string>& text);
// account, currency, other_currencies, timezone, start, end, fresh_until, definition: the first
// fields of each answer.
OrderedJson heading(const ReportQuery& query, const Scope& scope, std::string_view definition);

// `name` and `name`_decimal.
void put(OrderedJson& json, const std::string& name, std::int64_t minor, Currency currency);
void put(OrderedJson& json, const std::string& name, std::optional<std::int64_t> minor,
         Currency currency);

}  // namespace payoutd::reports
