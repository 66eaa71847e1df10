#include "reports/report_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "access/connected_accounts.h"
#include "http/schema.h"
#include "sync/freshness.h"

namespace payoutd::reports {
namespace {

constexpr date::days kDefaultDays{30};

// A date as it was written: a day of some zone, or an instant.
struct Written {
  std::optional<date::local_days> day{};
  std::optional<Time> instant{};
};

std::optional<Written> read_date(http::Fields& fields, http::Names names) {
  const auto text = fields.text(names, {.max = 40});
  if (!text) return std::nullopt;
  const auto parsed = parse_time(*text);
  if (!parsed) {
    fields.wrong(*names.begin(), parsed.error().code, parsed.error().message);
    return std::nullopt;
  }
  const bool is_day = text->size() == 10 && (*text)[4] == '-';
  if (!is_day) return Written{.instant = *parsed};
  const auto days = std::chrono::floor<std::chrono::days>(*parsed).time_since_epoch();
  return Written{.day = date::local_days{date::days{days.count()}}};
}

// Unknown zones are noted, and UTC stands in so that the other mistakes are found too.
const jobs::TimeZone* read_zone(http::Fields& fields, std::string& name) {
  name = fields.text({"timezone", "time_zone", "tz"}, {.max = 64}).value_or("UTC");
  auto zone = jobs::find_time_zone(name);
  if (zone) return *zone;
  fields.wrong("timezone", "timezone_unknown", zone.error().message,
               zone.error().kind == Kind::retry ? Kind::retry : Kind::invalid);
  zone = jobs::find_time_zone("UTC");
  return zone ? *zone : nullptr;
}

Time end_of(const std::optional<Written>& end, const jobs::TimeZone& zone, Time now) {
  if (end && end->day) return begin_of_day(zone, *end->day + date::days{1});
  if (end) return *end->instant;
  return std::chrono::floor<std::chrono::seconds>(now) + std::chrono::seconds{1};
}

Time begin_of(const std::optional<Written>& start, const jobs::TimeZone& zone, Time end) {
  if (start && start->day) return begin_of_day(zone, *start->day);
  if (start) return *start->instant;
  const date::local_days last = day_of(zone, end - std::chrono::microseconds{1});
  return begin_of_day(zone, last - kDefaultDays + date::days{1});
}

void read_range(http::Fields& fields, Time now, ReportQuery& query) {
  const auto start = read_date(fields, {"startDate", "from_date", "dateFrom"});
  const auto end = read_date(fields, {"endDate", "to_date", "dateTo"});
  if (query.zone == nullptr) return;
  query.range.end = end_of(end, *query.zone, now);
  query.range.begin = begin_of(start, *query.zone, query.range.end);
  if (query.range.begin >= query.range.end) {
    fields.wrong("endDate", "end_before_start",
                 fmt::format("the report would end at {} and begin at {}", to_iso(query.range.end),
                             to_iso(query.range.begin)));
  } else if (!periods_of(query.range, query.group_by, *query.zone)) {
    fields.wrong("startDate", "period_too_long",
                 fmt::format("more than {} {}s: give a shorter period{}", kMaxPeriods,
                             name_of(query.group_by),
                             query.group_by == GroupBy::day ? " or group by week or month" : ""));
  }
}

GroupBy read_group_by(http::Fields& fields) {
  const auto word = fields.word({"groupBy", "group_by"}, {"day", "week", "month"});
  if (word == "week") return GroupBy::week;
  return word == "month" ? GroupBy::month : GroupBy::day;
}

// Only a currency whose decimals are known: the account's own may be newer than the table.
std::optional<Currency> pick_currency(const ReportQuery& query,
                                      const access::ConnectedAccount& account,
                                      const std::set<std::string>& moved) {
  if (query.currency) return query.currency;
  const auto& own = account.fields.default_currency;
  if (own && own->known()) return own;
  for (const std::string& code : moved) {
    if (const auto currency = Currency::parse(code)) return currency;
  }
  return std::nullopt;
}

Error no_such_account() {
  return {Kind::missing, "account_not_found", "your organization has no such connected account",
          "account"};
}

// The account asked for; without one all of them, the default one first.
Result<std::vector<access::ConnectedAccount>> accounts_of(pg::Tx& tx, OrgId organization,
                                                          const ReportQuery& query) {
  if (query.account) {
    if (!access::looks_like_account(*query.account)) return no_such_account();
    auto found = access::find_account(tx, *query.account);
    if (!found || found->organization != organization) return no_such_account();
    return std::vector<access::ConnectedAccount>{*std::move(found)};
  }
  auto all = access::accounts_of(tx, organization);
  if (all.empty()) {
    return Error{Kind::missing, "account_not_found", "your organization has no connected account",
                 "account"};
  }
  return all;
}

}  // namespace

ReportQuery read_query(http::Fields& fields, Time now, Grouped grouped) {
  ReportQuery query;
  query.account = fields.text({"account"});
  query.currency = fields.currency({"currency"});
  query.zone = read_zone(fields, query.timezone);
  if (grouped == Grouped::yes) query.group_by = read_group_by(fields);
  read_range(fields, now, query);
  return query;
}

Json query_parameters(Grouped grouped) {
  namespace is = http::schema;
  Json all = Json::array();
  is::add_query(all, {"startDate", "from_date", "dateFrom"},
                "A date (the whole day in `timezone`), an ISO 8601 instant or unix seconds. "
                "Default: 30 days before the end.");
  is::add_query(all, {"endDate", "to_date", "dateTo"},
                "A date, which is included whole, or an instant, which is where the report ends. "
                "Default: now.");
  is::add_query(all, {"timezone", "time_zone", "tz"}, "IANA name of the zone whose days are meant.",
                {{"type", "string"}, {"default", "UTC"}, {"examples", {"Europe/Berlin"}}});
  all.push_back(is::query("currency",
                          "ISO 4217, in any case. Amounts of several currencies are never added "
                          "up. Default: the account's own, or the default account's."));
  all.push_back(is::account_query());
  all.push_back(is::query("format", "csv answers text/csv, as `Accept: text/csv` does",
                          {{"type", "string"}, {"enum", {"json", "csv"}}}));
  if (grouped == Grouped::yes) {
    is::add_query(all, {"groupBy", "group_by"}, "Weeks begin on Monday.",
                  {{"type", "string"}, {"enum", {"day", "week", "month"}}, {"default", "day"}});
  }
  return all;
}

Result<Scope> scope_of(pg::Tx& tx, OrgId organization, const ReportQuery& query) {
  const auto accounts = accounts_of(tx, organization, query);
  if (!accounts) return accounts.error();
  const auto moved = movements_store::currencies(tx, organization, query.account);
  std::set<std::string> codes;
  for (const auto& pair : moved) codes.insert(pair.currency);
  const auto currency = pick_currency(query, accounts->front(), codes);
  if (!currency) {
    return Error{Kind::invalid, "currency_needed",
                 "the account has no currency of its own yet: give one", "currency"};
  }
  Scope scope{.accounts = {organization, {}, *currency}};
  for (const auto& pair : moved) {
    if (pair.currency == currency->str()) scope.accounts.ids.push_back(pair.account);
  }
  for (const std::string& code : codes) {
    if (code != currency->str()) scope.other_currencies.push_back(code);
  }
  for (const auto& account : *accounts) scope.every_account.push_back(account.id());
  scope.without_transfers =
      !query.account && std::ranges::any_of(*accounts, &access::ConnectedAccount::is_platform);
  scope.fresh_until = sync::fresh_until(tx, organization, query.account);
  return scope;
}

OrderedJson or_null(const std::optional<std::string>& text) {
  return text ? OrderedJson(*text) : OrderedJson(nullptr);
}

OrderedJson heading(const ReportQuery& query, const Scope& scope, std::string_view definition) {
  OrderedJson json{{"account", query.account ? OrderedJson(*query.account) : OrderedJson(nullptr)},
                   {"currency", scope.accounts.currency.str()},
                   {"other_currencies", scope.other_currencies},
                   {"timezone", query.timezone},
                   {"start", to_iso(query.range.begin)},
                   {"end", to_iso(query.range.end)},
                   {"fresh_until", scope.fresh_until ? OrderedJson(to_iso(*scope.fresh_until))
                                                     : OrderedJson(nullptr)},
                   {"definition", definition}};
  return json;
}

void put(OrderedJson& json, const std::string& name, std::int64_t minor, Currency currency) {
  json[name] = minor;
  json[name + "_decimal"] = to_decimal({minor, currency});
}

void put(OrderedJson& json, const std::string& name, std::optional<std::int64_t> minor,
         Currency currency) {
  if (minor) return put(json, name, *minor, currency);
  json[name] = nullptr;
  json[name + "_decimal"] = nullptr;
}

}  // namespace payoutd::reports
