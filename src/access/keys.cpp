#include "access/keys.h"

#include <algorithm>

#include "access/key_text.h"
#include "access/keys_store.h"
#include "access/organizations_store.h"
#include "base/log.h"

namespace payoutd::access {
namespace {

const Error kKeyNotFound{Kind::missing, "key_not_found", "no such key"};

Result<void> check_name(std::string_view name) {
  const bool printable = std::ranges::none_of(
      name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!name.empty() && name.size() <= 100 && printable) return {};
  return Error{Kind::unprocessable, "key_name_invalid",
               "a key's name has 1 to 100 characters, without control characters", "name"};
}

}  // namespace

Result<CreatedKey> Keys::create(OrgId organization, const KeyRequest& request) {
  if (auto checked = check_name(request.name); !checked) return checked.error();
  const Secret text = make_key_text();
  auto key = db_.transact([&](pg::Tx& tx) -> Result<ApiKey> {
    std::optional<ApiKey> made;
    const auto refused = tx.attempt([&] {
      made =
          keys_store::insert(tx, organization, request, shown_prefix(text), sha256(text.reveal()));
    });
    if (refused && refused->foreign_key_violation()) {
      return Error{Kind::missing, "organization_not_found", "no such organization"};
    }
    if (refused) throw *refused;
    if (made) return *made;
    return Error{Kind::unprocessable, "expires_at_past", "expires_at lies in the past",
                 "expires_at"};
  });
  if (!key) return key.error();
  return CreatedKey{*std::move(key), text};
}

Result<http::PageOf<ApiKey>> Keys::list(OrgId organization, const http::Page& page) {
  std::optional<ApiKeyId> before;
  if (page.cursor) {
    before = ApiKeyId::parse(*page.cursor);
    if (!before) return http::invalid_cursor();
  }
  return db_.read([&](pg::Tx& tx) -> Result<http::PageOf<ApiKey>> {
    http::PageOf<ApiKey> answer;
    answer.data = keys_store::list(tx, organization, page, before);
    answer.has_more = answer.data.size() > static_cast<std::size_t>(page.limit);
    if (answer.has_more) {
      answer.data.pop_back();
      answer.next_cursor = answer.data.back().id.str();
    }
    if (page.with_total) answer.total = keys_store::count(tx, organization);
    return answer;
  });
}

Result<ApiKey> Keys::find(OrgId organization, ApiKeyId id) {
  return db_.read([&](pg::Tx& tx) -> Result<ApiKey> {
    if (auto found = keys_store::find(tx, organization, id)) return *found;
    return kKeyNotFound;
  });
}

Result<ApiKey> Keys::revoke(OrgId organization, ApiKeyId id, std::string_view revoked_by) {
  // Also when the fate of the commit is unknown.
  struct ForgetAfterwards {
    KeyCache& cache;
    ApiKeyId id;
    ~ForgetAfterwards() { cache.forget(id); }
  } const forget{cache_, id};
  return db_.transact([&](pg::Tx& tx) -> Result<ApiKey> {
    organizations_store::lock(tx, organization);
    auto found = keys_store::find(tx, organization, id);
    if (!found) return kKeyNotFound;
    if (found->revoked_at) return *found;
    if (found->role == Role::admin && !keys_store::has_other_admin(tx, organization, id)) {
      return Error{Kind::refused, "last_admin_key",
                   "this is the organization's last admin key: make another before revoking it"};
    }
    return keys_store::revoke(tx, organization, id, revoked_by);
  });
}

Result<KnownKey> Keys::look_up(const Secret& text) {
  if (!looks_like_key(text.reveal())) {
    return Error{Kind::unauthorized, "api_key_invalid",
                 "this is no API key of payoutd: they begin with pk_payoutd_"};
  }
  const std::string hash = sha256(text.reveal());
  if (auto known = cache_.find(hash)) return *known;
  return look_up_stored(hash);
}

Result<KnownKey> Keys::look_up_stored(const std::string& hash) {
  const auto generation = cache_.generation();
  // Not read(): a replica may still show a revoked key as good.
  auto stored = db_.transact([&](pg::Tx& tx) -> Result<keys_store::Stored> {
    auto row = keys_store::by_hash(tx, hash);
    if (row && equal_constant_time(row->hash, hash)) return *row;
    return Error{Kind::unauthorized, "api_key_invalid", "this API key is unknown"};
  });
  if (!stored) return stored.error();
  if (stored->revoked) {
    return Error{Kind::unauthorized, "api_key_revoked", "this API key was revoked"};
  }
  if (stored->expired) {
    return Error{Kind::unauthorized, "api_key_expired", "this API key has expired"};
  }
  const std::int64_t keep_ms =
      std::min<std::int64_t>(cache_ms_, stored->expires_in_ms.value_or(cache_ms_));
  cache_.put(hash, stored->key, KeyCache::Clock::now() + std::chrono::milliseconds{keep_ms},
             generation);
  if (stored->use_is_stale) note_use(stored->key);
  return stored->key;
}

// The request goes on when this can't be written: whose key it is is known.
void Keys::note_use(const KnownKey& key) {
  try {
    const auto noted = db_.transact([&](pg::Tx& tx) -> Result<void> {
      keys_store::note_use(tx, key);
      return {};
    });
    CHECK(noted.ok());
  } catch (const std::runtime_error& e) {
    failing_.write(log::Level::warn, "could not note the use of an API key", e.what(),
                   {{"key", key.id.str()}, {"error", e.what()}});
  }
}

}  // namespace payoutd::access
