#include "sync/discovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/connected_accounts.h"
#include "access/organizations.h"
#include "base/log.h"
#include "mirror/mirror_jobs.h"
#include "stripe/pages.h"

namespace payoutd::sync {

namespace {

constexpr const char* kPlatformName = "Platform";
constexpr const char* kOwnAccount = "/v1/account";
constexpr const char* kConnectedAccounts = "/v1/accounts";

std::string id_in(std::string_view text) {
  const auto object = parse_json(text);
  if (!object || !object->is_object()) return "an account that is no JSON object";
  const auto id = object->find("id");
  if (id == object->end() || !id->is_string()) return "an account without id";
  return id->get<std::string>();
}

// Takes accounts one by one: one that can't be taken is told, and the others go on.
class Taking {
 public:
  Taking(pg::Database& db, OrgId platform, bool livemode)
      : db_(db), platform_(platform), livemode_(livemode) {}

  Result<void> take(std::span<const std::string_view> texts, Time at, bool is_platform) {
    Discovered page;
    const auto done = db_.transact([&](pg::Tx& tx) -> Result<void> {
      page = {};
      for (const std::string_view text : texts)
        take_one(tx, {text, at, livemode_, is_platform}, page);
      return {};
    });
    if (!done) return done.error();
    found.joined += page.joined;
    found.shown += page.shown;
    found.refused += page.refused;
    if (found.trouble.empty()) found.trouble = std::move(page.trouble);
    return {};
  }

  Discovered found;

 private:
  void take_one(pg::Tx& tx, const ShownAccount& shown, Discovered& page) {
    Result<bool> joined = false;
    const auto wrong = tx.attempt([&] { joined = take_account(tx, platform_, shown); });
    if (!wrong && joined) {
      ++(*joined ? page.joined : page.shown);
      return;
    }
    const std::string why = fmt::format("{} can't be taken: {}", id_in(shown.object),
                                        wrong ? wrong->what() : joined.error().message);
    log::warn("an account can't be taken", {{"why", why}});
    ++page.refused;
    if (page.trouble.empty()) page.trouble = why;
  }

  pg::Database& db_;
  const OrgId platform_;
  const bool livemode_;
};

}  // namespace

Result<bool> take_account(pg::Tx& tx, OrgId platform, const ShownAccount& shown) {
  const auto object = parse_json(shown.object);
  if (!object) return object.error();
  auto fields = access::account_fields(*object);
  if (!fields) return fields.error();
  const auto known = access::find_account(tx, fields->stripe_account);
  const auto created = object->find("created");
  const bool told = created != object->end() && created->is_number_integer();
  // An account stays with the organization that has it.
  const auto connected = access::connect_account(
      tx, known ? known->organization : platform,
      {.fields = *std::move(fields),
       .version = {shown.at, 0},
       .livemode = shown.livemode,
       .is_platform = shown.is_platform,
       .joined_at = told ? from_unix(created->get<std::int64_t>()) : shown.at});
  if (!connected) return connected.error();
  if (!known) mirror::enqueue_adoption(tx);
  return !known.has_value();
}

// Stripe documents an empty list for an account that is no platform; some calls say it in words.
bool has_no_connect(const Error& error) {
  return error.message.contains("Only Stripe Connect platforms can work with other accounts");
}

std::string trouble_with(std::string_view path, const Error& error) {
  // Stripe's 401 and 403. Its message names the permission in the words of its API.
  const bool forbidden = error.kind == Kind::upstream && error.code != "stripe_list_malformed";
  return fmt::format("GET {}: {}{}", path, error.message,
                     forbidden ? "; does the key have the permission Accounts: Read?" : "");
}

std::optional<Error> another_platform(pg::Database& db, mirror::OwnAccount& own) {
  const auto platform = access::platform_organization(db);
  if (!platform) return platform.error();
  if (!*platform) return std::nullopt;
  const auto accounts = db.read([&](pg::Tx& tx) -> Result<std::vector<access::ConnectedAccount>> {
    return access::accounts_of(tx, (*platform)->id);
  });
  const auto known = std::ranges::find_if(*accounts, &access::ConnectedAccount::is_platform);
  if (known == accounts->end()) return std::nullopt;
  const auto ours = own.check(*known);
  if (ours || ours.error().code != mirror::kAnotherPlatform) return std::nullopt;
  return ours.error();
}

Result<Discovered> discover_accounts(pg::Database& db, stripe::Client& client, bool livemode) {
  const auto platform = access::ensure_platform_organization(db, kPlatformName);
  if (!platform) return platform.error();
  const auto own = client.call(stripe::Request::get(kOwnAccount));
  if (!own) {
    return Error{own.error().kind, own.error().code, trouble_with(kOwnAccount, own.error())};
  }
  Taking taking(db, platform->id, livemode);
  const std::string_view own_text = own->body;
  if (auto taken = taking.take({&own_text, 1}, own->sent_at, true); !taken) return taken.error();
  stripe::Pages pages = client.list({.path = kConnectedAccounts});
  for (const stripe::Page& page : pages) {
    std::vector<std::string_view> texts;
    for (const stripe::Item& item : page.items) texts.push_back(item.raw);
    if (auto taken = taking.take(texts, page.sent_at, false); !taken) return taken.error();
  }
  const auto finished = pages.finished();
  if (!finished && !has_no_connect(finished.error()))
    taking.found.trouble = trouble_with(kConnectedAccounts, finished.error());
  return std::move(taking.found);
}

}  // namespace payoutd::sync
