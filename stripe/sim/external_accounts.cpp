// Bank accounts and debit cards that payouts go to: one default per currency.
#include <fmt/format.h>

#include <algorithm>

#include "stripe/sim/accounts.h"
#include "stripe/sim/cards.h"
#include "stripe/sim/events.h"
#include "stripe/sim/lists.h"

namespace payoutd::sim {
namespace {

std::string last4(std::string_view number) {
  return std::string(number.substr(number.size() > 4 ? number.size() - 4 : 0));
}

OrderedJson bank_object(World& world, const Account& account, const BankOrder& order) {
  OrderedJson methods = OrderedJson::array({"standard"});
  if (bank_fate(order.number).instant) methods.push_back("instant");
  return {{"id", world.id("ba", account)},
          {"object", "bank_account"},
          {"account", account.id},
          {"account_holder_name", or_null(order.holder)},
          {"account_holder_type", "company"},
          {"account_type", nullptr},
          {"available_payout_methods", methods},
          {"bank_name", "STRIPE TEST BANK"},
          {"country", order.country},
          {"created", world.now},
          {"currency", order.currency},
          {"customer", nullptr},
          {"default_for_currency", false},
          {"fingerprint", "AuoSJ18zsVWV" + last4(order.number)},
          {"last4", last4(order.number)},
          {"metadata", OrderedJson::object()},
          {"routing_number", or_null(order.routing)},
          {"status", "new"}};
}

OrderedJson card_object(World& world, const Account& account, const Card& card,
                        const std::string& currency) {
  OrderedJson out{{"id", world.id("card", account)}, {"object", "card"}, {"account", account.id}};
  for (const char* field :
       {"address_city", "address_country", "address_line1", "address_line1_check", "address_line2",
        "address_state", "address_zip", "address_zip_check"})
    out[field] = nullptr;
  out["available_payout_methods"] =
      card.instant ? OrderedJson::array({"standard", "instant"}) : OrderedJson::array({"standard"});
  out["brand"] = card.brand == "visa"         ? "Visa"
                 : card.brand == "mastercard" ? "MasterCard"
                                              : "Discover";
  out["country"] = card.country;
  out["created"] = world.now;
  out["currency"] = currency;
  out["customer"] = nullptr;
  out["cvc_check"] = "pass";
  out["default_for_currency"] = false;
  out["dynamic_last4"] = nullptr;
  out["exp_month"] = 8;
  out["exp_year"] = 2035;
  out["fingerprint"] = "AOB934RVNwzk" + last4(card.number);
  out["funding"] = card.funding;
  out["last4"] = last4(card.number);
  out["metadata"] = OrderedJson::object();
  out["name"] = nullptr;
  out["regulated_status"] = nullptr;
  out["status"] = "new";
  out["tokenization_method"] = nullptr;
  return out;
}

void show_on_account(World& world, Account& account) {
  Edit edit(world, *account.object);
  auto& data = edit["external_accounts"]["data"];
  data = OrderedJson::array();
  for (const Document* destination : destinations_of(account)) data.push_back(destination->json);
  edit.save();
}

void make_default(World& world, Account& account, Document& chosen) {
  for (Document* other : destinations_of(account)) {
    if (other->str("currency") != chosen.str("currency")) continue;
    Edit edit(world, *other);
    edit["default_for_currency"] = other == &chosen;
    edit.save();
  }
}

Document& attach(World& world, Account& account, OrderedJson object) {
  const bool first = default_destination(account, object["currency"].get<std::string>()) == nullptr;
  Document& added = world.store.add(account, std::move(object));
  if (first) make_default(world, account, added);
  account.totals[*Currency::parse(added.str("currency"))];
  show_on_account(world, account);
  emit(world, added, "account.external_account.created");
  return added;
}

// The account in the path, or the caller's own; the platform reaches those connected to it.
Try<Account*> holder(const Ask& ask) {
  Account* found = ask.world.store.account(ask.ids.at(0));
  if (found == &ask.account || (found && found->platform == ask.account.id)) return found;
  return no_such("account", ask.ids.at(0));
}

Try<Document*> destination_external_account(const Ask& ask) {
  auto account = holder(ask);
  if (!account) return Refused(account.error());
  for (Document* found : destinations_of(**account))
    if (found->id == ask.ids.at(1)) return found;
  return no_such("external account", ask.ids.at(1));
}

Try<void> check_token(const std::string& token) {
  if (token.starts_with("btok_")) return {};
  const Card* card = find_card(token);
  if (!card) return no_such("token", token, "external_account");
  if (card->funding != "debit")
    return refuse("invalid_card_type", "The card must be a non-prepaid debit card.",
                  "external_account");
  return {};
}

Document& attach_token(World& world, Account& account, const std::string& token) {
  const auto currency = account.object->str("default_currency");
  if (token.starts_with("btok_")) return attach_bank(world, account, {.currency = currency});
  const Card& card = *find_card(token);
  Document& added = attach(world, account, card_object(world, account, card, currency));
  added.hidden["card"] = card.number;
  return added;
}

Try<Shown> create_external_account(const Ask& ask) {
  auto account = holder(ask);
  if (!account) return Refused(account.error());
  if (auto ok = check_external(ask.params); !ok) return Refused(ok.error());
  Document* added = &attach_external(ask.world, **account, ask.params);
  Edit edit(ask.world, *added);
  merge_metadata(edit.json(), ask.params);
  edit.save();
  if (ask.params.flag("default_for_currency")) make_default(ask.world, **account, *added);
  show_on_account(ask.world, **account);
  return added;
}

Try<Shown> list_external_accounts(const Ask& ask) {
  auto account = holder(ask);
  if (!account) return Refused(account.error());
  const auto all = destinations_of(**account);
  const auto wanted = ask.params.str("object");
  return list_documents(ask, all,
                        [&](const Document& d) { return wanted.empty() || d.kind == wanted; });
}

Try<Shown> get_external_account(const Ask& ask) {
  auto found = destination_external_account(ask);
  if (!found) return Refused(found.error());
  return *found;
}

Try<Shown> update_external_account(const Ask& ask) {
  auto found = destination_external_account(ask);
  if (!found) return Refused(found.error());
  Account& account = *ask.world.store.account((*found)->account);
  if (ask.params.flag("default_for_currency")) make_default(ask.world, account, **found);
  Edit edit(ask.world, **found);
  merge_metadata(edit.json(), ask.params);
  if (ask.params.has("account_holder_name")) {
    edit["account_holder_name"] = or_null(ask.params.str("account_holder_name"));
    if (edit["status"] == "errored") edit["status"] = "new";  // its holder mended it
  }
  edit.emit_if_changed("account.external_account.updated");
  show_on_account(ask.world, account);
  return *found;
}

Try<Shown> remove_external_account(const Ask& ask) {
  auto found = destination_external_account(ask);
  if (!found) return Refused(found.error());
  Document& gone = **found;
  Account& account = *ask.world.store.account(gone.account);
  const auto all = destinations_of(account);
  const auto same_currency = std::ranges::count_if(
      all, [&](const Document* d) { return d->str("currency") == gone.str("currency"); });
  if (gone.flag("default_for_currency") && same_currency > 1)
    return refuse(
        "",
        "You cannot delete the default external account for your default currency. Please "
        "make another external account the default using the `default_for_currency` param, "
        "and then delete this one.");
  emit(ask.world, gone, "account.external_account.deleted");
  OrderedJson shown{{"id", gone.id}, {"object", gone.kind}, {"deleted", true}};
  ask.world.store.remove(gone);
  show_on_account(ask.world, account);
  return shown;
}

}  // namespace

std::vector<Document*> destinations_of(const Account& account) {
  std::vector<Document*> out;
  for (const char* kind : {"bank_account", "card"}) {
    const auto it = account.documents.find(kind);
    if (it == account.documents.end()) continue;
    for (Document* document : it->second)
      if (document->listed && document->str("account") == account.id) out.push_back(document);
  }
  std::ranges::sort(out, {}, [](const Document* d) { return std::pair(d->created, d->sequence); });
  return out;
}

Document* default_destination(const Account& account, const std::string& currency) {
  for (Document* document : destinations_of(account))
    if (document->str("currency") == currency && document->flag("default_for_currency"))
      return document;
  return nullptr;
}

Try<void> check_external(const Params& params) {
  if (const auto token = params.str("external_account"); !token.empty()) return check_token(token);
  const std::string at = "external_account.";
  if (params.str(at + "object") != "bank_account")
    return refuse("", "Invalid external_account: must be a token or a bank_account",
                  "external_account");
  for (const char* field : {"account_number", "country", "currency"})
    if (params.str(at + field).empty())
      return refuse("parameter_missing",
                    fmt::format("Missing required param: external_account[{}].", field),
                    fmt::format("external_account[{}]", field));
  if (!params.currency(at + "currency"))
    return refuse("", "Invalid currency.", "external_account[currency]");
  return {};
}

Document& attach_external(World& world, Account& account, const Params& params) {
  if (const auto token = params.str("external_account"); !token.empty())
    return attach_token(world, account, token);
  const std::string at = "external_account.";
  return attach_bank(world, account,
                     {.number = params.str(at + "account_number"),
                      .routing = params.str(at + "routing_number"),
                      .currency = params.currency(at + "currency")->str(),
                      .country = params.str(at + "country"),
                      .holder = params.str(at + "account_holder_name")});
}

Document& attach_bank(World& world, Account& account, const BankOrder& order) {
  Document& bank = attach(world, account, bank_object(world, account, order));
  bank.hidden["number"] = order.number;
  if (order.replaces) {
    make_default(world, account, bank);
    show_on_account(world, account);
  }
  return bank;
}

std::vector<Endpoint> external_account_endpoints() {
  constexpr std::string_view kAll = "/v1/accounts/:id/external_accounts";
  constexpr std::string_view kOne = "/v1/accounts/:id/external_accounts/:id";
  return {
      {"POST", kAll, "external_account:any! default_for_currency:bool metadata:map",
       create_external_account},
      {"GET", kAll, "list object:bank_account|card", list_external_accounts},
      {"GET", kOne, "", get_external_account},
      {"POST", kOne,
       "account_holder_name account_holder_type default_for_currency:bool metadata:map",
       update_external_account},
      {"DELETE", kOne, "", remove_external_account},
  };
}

}  // namespace payoutd::sim
