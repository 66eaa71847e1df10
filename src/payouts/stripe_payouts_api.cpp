#include "payouts/stripe_payouts_api.h"

#include "access/principal.h"
#include "http/params.h"
#include "payouts/in_doubt.h"
#include "payouts/payouts.h"
#include "payouts/payouts_docs.h"

namespace payoutd::payouts {
namespace {

// Fields that ask for more than a manual Stripe payout.
constexpr const char* kEngineFields[] = {"beneficiary",  "beneficiary_id", "origin_entity_id",
                                         "influencerId", "priority",       "scheduled_run",
                                         "type",         "origin_module",  "campaignId",
                                         "invoiceId",    "poId",           "notes"};
constexpr std::size_t kMaxMetadata = 47;  // Stripe takes 50; three are ours

Error not_configured() {
  return Error{Kind::retry, "stripe_not_configured", "this service has no STRIPE_SECRET_KEY"};
}

// A request for the engine is refused before anything else is looked at.
std::optional<Error> engine_asked_for(const http::Fields& body) {
  for (const char* field : kEngineFields) {
    if (!body.is_written(field)) continue;
    if (body.is_written("method")) {
      return Error{
          Kind::invalid, "ambiguous",
          fmt::format("`method` asks for a Stripe payout and `{}` for the payouts engine", field),
          field};
    }
    return Error{
        Kind::unprocessable, "not_available",
        fmt::format(
            "`{}` belongs to the payouts engine, which this version does not have; a manual Stripe "
            "payout takes amount or amount_decimal, currency, method, description, metadata, "
            "account",
            field),
        field};
  }
  return std::nullopt;
}

void check_metadata(http::Fields& fields, const Json& metadata) {
  if (metadata.size() > kMaxMetadata) {
    fields.wrong("metadata", "metadata_too_large",
                 fmt::format("metadata has at most {} keys", kMaxMetadata));
  }
  for (const auto& [key, value] : metadata.items()) {
    const std::string name = "metadata." + key;
    if (key.empty() || characters(key) > 40 || key.find_first_of("[]") != std::string::npos) {
      fields.wrong(name, "metadata_key_invalid",
                   "a metadata key has 1 to 40 characters, none of them [ or ]");
    } else if (key.starts_with("payoutd_")) {
      fields.wrong(name, "metadata_key_reserved",
                   "metadata keys that begin with payoutd_ are the service's own");
    } else if (!value.is_string() || characters(value.get_ref<const std::string&>()) > 500) {
      fields.wrong(name, "metadata_value_invalid",
                   "a metadata value is a text of at most 500 characters");
    }
  }
}

// The account and the earlier payout that a request is about, looked up together.
struct Found {
  std::optional<AskedFor> before;  // by its key
  Result<access::ConnectedAccount> account;
};

// A payout that the key has begun goes on with its account and currency, although the account or
// the default has changed since.
Result<Found> find_for(pg::Database& db, const http::Request& request,
                       const std::optional<std::string>& named) {
  const OrgId organization = access::principal(request).organization;
  const auto* run = access::idempotent_run(request);
  return db.transact([&](pg::Tx& tx) -> Result<Found> {
    std::optional<AskedFor> before;
    if (run != nullptr) before = find_by_external_id(tx, organization, run->key);
    if (!before) return Found{before, access::pick_account_to_pay_from(tx, organization, named)};
    return Found{before, access::pick_account(tx, organization, named ? *named : before->account)};
  });
}

Result<StripePayouts::Wanted> read_body(pg::Database& db, const http::Request& request) {
  auto fields = http::Fields::of_body(request);
  if (auto error = engine_asked_for(fields)) return *error;
  const auto& who = access::principal(request);
  const auto named = fields.text({"account"});
  const auto found = find_for(db, request, named);
  if (!found) return found.error();
  const auto& [before, account] = *found;
  auto currency = fields.currency({"currency"});
  if (!currency && !fields.has({"currency"}) && account) {
    currency = before ? before->money.currency
                      : account->fields.default_currency.value_or(*Currency::parse("usd"));
    if (!currency->known()) {
      fields.wrong("currency", "currency_unknown",
                   "give the currency: the account's own, " + currency->str() +
                       ", is one that this version does not know");
    }
  }
  const auto money = fields.money(currency, {.required = true});
  const auto method = fields.word({"method"}, {"standard", "instant"});
  const auto description = fields.text({"description"}, {.max = 500});
  const auto metadata = fields.object({"metadata"});
  if (metadata) check_metadata(fields, *metadata);
  if (money && money->minor % money->currency.payout_step() != 0) {
    fields.wrong("amount", "amount_step_invalid",
                 fmt::format("payouts in {} are multiples of {}", money->currency.str(),
                             money->currency.payout_step()),
                 Kind::unprocessable);
  }
  if (auto error = fields.done()) return *error;
  if (!account) return account.error();
  StripePayouts::Wanted wanted{.account = *account,
                               .money = *money,
                               .method = method.value_or("standard"),
                               .description = description,
                               .actor = who.actor};
  if (metadata) wanted.metadata = *metadata;
  if (const auto* run = access::idempotent_run(request)) wanted.external_id = run->key;
  return wanted;
}

// Asked of Stripe at once: what is kept may be some seconds old, and money is to be moved.
Result<void> check_balance(balances::Balances& balances, const StripePayouts::Wanted& wanted) {
  const auto balance = balances.fetch(wanted.account);
  if (!balance) return balance.error();
  balances.forget(wanted.account.id());
  const bool instant = wanted.method == "instant";
  const Currency currency = wanted.money.currency;
  const std::int64_t there =
      balances::Balance::amount_in(instant ? balance->instant_available : balance->available,
                                   currency)
          .value_or(0);
  if (wanted.money.minor <= there) return {};
  return Error{Kind::unprocessable, "balance_insufficient",
               fmt::format("{} {} were asked for; {} {} are {}", to_decimal(wanted.money),
                           currency.str(), to_decimal({there, currency}), currency.str(),
                           instant ? "available instantly" : "available"),
               "amount"};
}

struct Done {
  PayoutId payout;
  int status = 200;
  Error doubt{};
};

// The deed stands whether or not it can be shown: `doubt` is the answer where it can't.
http::Reply payout_reply(pg::Database& db, const http::Request& request, const Done& done) {
  access::answer_a_loss_with(request, done.doubt);
  const OrgId organization = access::principal(request).organization;
  const auto shown = or_in_doubt(done.doubt, [&] {
    return db.transact([&](pg::Tx& tx) -> Result<OrderedJson> {
      const auto payout = find_payout(tx, organization, done.payout.str());
      if (!payout) return payout.error();
      return to_json(*payout, events_of(tx, organization, done.payout).shown);
    });
  });
  if (!shown) return http::error_reply(shown.error(), request.request_id);
  return http::Reply::json(done.status, *shown);
}

// An error of before the send says so: a caller who reads of Stripe's silence needs to know.
Error paid_nothing(Error error) {
  if (error.kind == Kind::retry || error.kind == Kind::upstream || error.kind == Kind::limited)
    error.message += "; this request paid nothing";
  return error;
}

http::Reply create(pg::Database& db, StripePayouts* payouts, balances::Balances& balances,
                   const http::Request& request) {
  if (payouts == nullptr) return http::error_reply(not_configured(), request.request_id);
  const auto wanted = read_body(db, request);
  if (!wanted) return http::error_reply(wanted.error(), request.request_id);
  const auto before = payouts->asked_before(*wanted);
  if (!before) return http::error_reply(paid_nothing(before.error()), request.request_id);
  if (*before) {
    return payout_reply(db, request, {**before, 201, may_be_paid(**before, wanted->external_id)});
  }
  if (auto enough = check_balance(balances, *wanted); !enough)
    return http::error_reply(paid_nothing(enough.error()), request.request_id);
  const auto id = payouts->pay_out_anew(*wanted);
  if (!id) return http::error_reply(id.error(), request.request_id);
  return payout_reply(db, request, {*id, 201, may_be_paid(*id, wanted->external_id)});
}

http::Reply cancel(pg::Database& db, StripePayouts* payouts, const http::Request& request) {
  if (payouts == nullptr) return http::error_reply(not_configured(), request.request_id);
  if (auto error = http::Fields::of_body(request).done())
    return http::error_reply(*error, request.request_id);
  const auto& who = access::principal(request);
  const auto found =
      db.read([&](pg::Tx& tx) { return find_payout(tx, who.organization, request.param("id")); });
  if (!found) return http::error_reply(found.error(), request.request_id);
  if (auto canceled = payouts->cancel(who.organization, found->id, who.actor); !canceled) {
    return http::error_reply(canceled.error(), request.request_id);
  }
  return payout_reply(db, request, {found->id, 200, may_be_canceled(found->id)});
}

}  // namespace

std::vector<http::Route> stripe_payout_routes(pg::Database& db, StripePayouts* payouts,
                                              balances::Balances& balances) {
  http::Route making;
  making.method = "POST";
  making.pattern = "/api/payouts";
  making.access = "write";
  making.keeps_keys_for_ever = true;
  making.handler = [&db, payouts, &balances](http::Context& context) {
    return create(db, payouts, balances, context.request);
  };
  making.runs = http::Runs::on_stripe_worker;
  making.docs = create_docs();
  http::Route canceling;
  canceling.method = "POST";
  canceling.pattern = "/api/payouts/:id/cancel";
  canceling.access = "write";
  canceling.keeps_keys_for_ever = true;
  canceling.handler = [&db, payouts](http::Context& context) {
    return cancel(db, payouts, context.request);
  };
  canceling.runs = http::Runs::on_stripe_worker;
  canceling.docs = cancel_docs();
  return {std::move(making), std::move(canceling)};
}

}  // namespace payoutd::payouts
