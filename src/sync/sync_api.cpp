#include "sync/sync_api.h"

#include "access/connected_accounts.h"
#include "access/principal.h"
#include "http/params.h"
#include "sync/freshness.h"
#include "sync/runs.h"
#include "sync/sync_docs.h"
#include "sync/sync_jobs.h"

namespace payoutd::sync {

namespace {

// A run under way is often nearly done: at a start, after a double click.
constexpr std::chrono::seconds kPatience{20};

struct Parts {
  pg::Database& db;
  Syncer* syncer;
  const Clock& clock;
};

http::Reply refuse(const Error& error, const http::Request& request) {
  return http::error_reply(error, request.request_id);
}

Result<Options> read_options(const Parts& parts, const http::Request& request) {
  auto body = http::Fields::of_body(request);
  auto query = http::Fields::of_query(request);
  Options options;
  options.account = body.text({"account"});
  if (!options.account) options.account = query.text({"account"});
  if (auto error = body.done()) return *error;
  if (auto error = query.done()) return *error;
  const access::Principal& who = access::principal(request);
  options.organization = who.organization;
  options.asked_by = who.actor;
  options.wait_for_others = kPatience;
  if (options.account) {
    const auto account = access::pick_account(parts.db, who.organization, options.account);
    if (!account) return account.error();
  }
  return options;
}

http::Reply sync_later(const Parts& parts, const Options& options, const http::Request& request) {
  RunRecord run{
      .organization = *options.organization, .id = RunId::make(), .asked_by = options.asked_by};
  run.account = options.account;
  run.status = "queued";
  run.queued_at = parts.clock.now();
  const auto queued = parts.db.transact([&](pg::Tx& tx) -> Result<void> {
    enqueue_run(tx, run);
    return {};
  });
  if (!queued) return refuse(queued.error(), request);
  return http::Reply::json(202, to_json(run))
      .with("Location", "/api/sync/runs/" + run.id.str())
      .with("Preference-Applied", "respond-async");
}

http::Reply sync_now(const Parts& parts, const http::Request& request) {
  const auto options = read_options(parts, request);
  if (!options) return refuse(options.error(), request);
  if (parts.syncer == nullptr) {
    return refuse({Kind::retry, "stripe_not_configured",
                   "STRIPE_SECRET_KEY is not set: nothing can be asked of Stripe"},
                  request);
  }
  if (http::prefers_async(request)) return sync_later(parts, *options, request);
  const auto runs = parts.syncer->run(*options);
  if (!runs) return refuse(runs.error(), request);
  CHECK(runs->size() == 1);
  return http::Reply::json(200, to_json(runs->front()));
}

http::Reply list(const Parts& parts, const http::Request& request) {
  auto fields = http::Fields::of_query(request);
  const http::Page page = fields.page();
  if (auto error = fields.done()) return refuse(*error, request);
  const auto runs = parts.db.read(
      [&](pg::Tx& tx) { return list_runs(tx, access::principal(request).organization, page); });
  if (!runs) return refuse(runs.error(), request);
  return http::Reply::json(200,
                           http::to_json(*runs, [](const RunRecord& run) { return to_json(run); }));
}

http::Reply show(const Parts& parts, const http::Request& request) {
  const auto id = RunId::parse(request.param("id"));
  if (!id) return refuse({Kind::missing, "run_not_found", "no such run"}, request);
  const auto run = parts.db.read(
      [&](pg::Tx& tx) { return find_run(tx, access::principal(request).organization, *id); });
  if (!run) return refuse(run.error(), request);
  return http::Reply::json(200, to_json(*run));
}

http::Reply show_completeness(const Parts& parts, const http::Request& request) {
  auto fields = http::Fields::of_query(request);
  const auto account = fields.text({"account"});
  if (auto error = fields.done()) return refuse(*error, request);
  const OrgId organization = access::principal(request).organization;
  if (account) {
    const auto found = access::pick_account(parts.db, organization, account);
    if (!found) return refuse(found.error(), request);
  }
  const auto found = completeness(parts.db, organization, account);
  if (!found) return refuse(found.error(), request);
  const auto runs =
      parts.db.read([&](pg::Tx& tx) { return list_runs(tx, organization, {.limit = 1}); });
  if (!runs) return refuse(runs.error(), request);
  const auto fresh = parts.db.read([&](pg::Tx& tx) -> Result<std::optional<Time>> {
    return fresh_until(tx, organization, account);
  });
  if (!fresh) return refuse(fresh.error(), request);
  OrderedJson json = to_json(*found);
  json["fresh_until"] = *fresh ? OrderedJson(to_iso(**fresh)) : OrderedJson(nullptr);
  json["last_run"] = runs->data.empty() ? OrderedJson(nullptr) : to_json(runs->data.front());
  return http::Reply::json(200, json);
}

OrderedJson to_json(const PayoutCheck& check) {
  return {{"account", check.account},
          {"payout", check.payout},
          {"currency", check.amount.currency.str()},
          {"amount", check.amount.minor},
          {"found", check.found.minor},
          {"difference", (check.amount - check.found).minor},
          {"created", to_iso(check.created)}};
}

}  // namespace

OrderedJson to_json(const BalanceCheck& check) {
  OrderedJson json{{"account", check.account},
                   {"currency", check.currency().str()},
                   {"state", name_of(check.state)},
                   {"expected", check.expected().minor},
                   {"available", check.available.minor},
                   {"pending", check.pending.minor},
                   {"found", check.found.minor},
                   {"difference", check.difference().minor},
                   {"rows", check.rows},
                   {"checked_at", to_iso(check.checked_at)}};
  json["first_day"] =
      check.first_day ? OrderedJson(pg::detail::day_text(*check.first_day)) : OrderedJson(nullptr);
  json["missing"] = check.missing;
  json["altered"] = check.altered;
  json["surplus"] = check.surplus;
  return json;
}

OrderedJson to_json(const Completeness& completeness) {
  bool complete = !completeness.balances.empty() && completeness.payouts.empty();
  OrderedJson balances = OrderedJson::array();
  for (const BalanceCheck& check : completeness.balances) {
    complete = complete && check.state == CheckState::equal;
    balances.push_back(to_json(check));
  }
  OrderedJson payouts = OrderedJson::array();
  for (const PayoutCheck& check : completeness.payouts) payouts.push_back(to_json(check));
  return {
      {"complete", complete}, {"balances", std::move(balances)}, {"payouts", std::move(payouts)}};
}

std::vector<http::Route> sync_routes(pg::Database& db, Syncer* syncer, const Clock& clock) {
  const Parts parts{db, syncer, clock};
  const auto with =
      [parts](http::Reply (*handle)(const Parts&, const http::Request&)) -> http::Handler {
    return [parts, handle](http::Context& context) { return handle(parts, context.request); };
  };
  http::Route syncing{"POST",      "/api/balance/transactions/sync", "write", with(sync_now),
                      sync_docs(), http::Runs::on_sync_worker};
  syncing.runs_async = http::Runs::on_worker;
  return {
      std::move(syncing),
      {"GET", "/api/sync/runs", "read", with(list), runs_docs()},
      {"GET", "/api/sync/runs/:id", "read", with(show), run_docs()},
      {"GET", "/api/mirror/completeness", "read", with(show_completeness), completeness_docs()},
  };
}

}  // namespace payoutd::sync
