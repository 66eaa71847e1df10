#include "sync/discovery.h"

#include "access/connected_accounts.h"
#include "access/organizations.h"
#include "base/log.h"
#include "stripe/pages.h"

namespace payoutd::sync {

namespace {

constexpr const char* kPlatformName = "Platform";

struct Shown {
  Time at{};
  bool livemode = false;
  bool is_platform = false;
};

// An account stays with the organization that has it.
Result<bool> show(pg::Tx& tx, OrgId platform, std::string_view text, const Shown& shown) {
  const auto object = parse_json(text);
  if (!object) return object.error();
  auto fields = access::account_fields(*object);
  if (!fields) return fields.error();
  const auto known = access::find_account(tx, fields->stripe_account);
  const auto created = object->find("created");
  const bool told = created != object->end() && created->is_number_integer();
  const auto connected = access::connect_account(
      tx, known ? known->organization : platform,
      {.fields = *std::move(fields),
       .version = {shown.at, 0},
       .livemode = shown.livemode,
       .is_platform = shown.is_platform,
       .joined_at = told ? from_unix(created->get<std::int64_t>()) : shown.at});
  if (!connected) return connected.error();
  return !known.has_value();
}

bool has_no_connect(const Error& error) { return error.kind != Kind::retry; }

}  // namespace

Result<Discovered> discover_accounts(pg::Database& db, stripe::Client& client, bool livemode) {
  const auto platform = access::ensure_platform_organization(db, kPlatformName);
  if (!platform) return platform.error();
  Discovered discovered;
  const auto store = [&](std::span<const std::string_view> texts, const Shown& shown) {
    return db.transact([&](pg::Tx& tx) -> Result<void> {
      for (const std::string_view text : texts) {
        const auto joined = show(tx, platform->id, text, shown);
        if (!joined) {
          log::warn("an account can't be taken", {{"why", joined.error().message}});
          continue;
        }
        ++(*joined ? discovered.joined : discovered.shown);
      }
      return {};
    });
  };
  const auto own = client.call(stripe::Request::get("/v1/account"));
  if (!own) return own.error();
  const std::string_view own_text = own->body;
  if (auto stored = store({&own_text, 1}, {own->sent_at, livemode, true}); !stored)
    return stored.error();
  stripe::Pages pages = client.list({.path = "/v1/accounts"});
  for (const stripe::Page& page : pages) {
    std::vector<std::string_view> texts;
    for (const stripe::Item& item : page.items) texts.push_back(item.raw);
    if (auto stored = store(texts, {page.sent_at, livemode, false}); !stored) return stored.error();
  }
  if (const auto finished = pages.finished(); !finished && !has_no_connect(finished.error())) {
    return finished.error();
  }
  return discovered;
}

}  // namespace payoutd::sync
