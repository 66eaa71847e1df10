#include "access/connected_accounts.h"
#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

constexpr std::string_view kDeauthorized = "account.application.deauthorized";

// What an object said at all. A stub, or an account of an old API version, says less, and what it
// leaves out stays as it is known.
struct Told {
  bool name = false, currency = false, country = false, charges = false, payouts = false,
       details = false, requirements = false;
};

struct Account {
  access::AccountFields fields;
  Told told;
  bool deauthorized = false;
};

Told told_by(const Json& object) {
  const auto has = [&](const char* path) { return object.contains(Json::json_pointer(path)); };
  return {.name = has("/settings/dashboard/display_name") || has("/business_profile/name"),
          .currency = has("/default_currency"),
          .country = has("/country"),
          .charges = has("/charges_enabled"),
          .payouts = has("/payouts_enabled"),
          .details = has("/details_submitted"),
          .requirements = has("/requirements")};
}

access::AccountFields filled_in(const Account& account, const access::AccountFields& known) {
  access::AccountFields fields = account.fields;
  const Told& told = account.told;
  if (!told.name) fields.name = known.name;
  if (!told.currency) fields.default_currency = known.default_currency;
  if (!told.country) fields.country = known.country;
  if (!told.charges) fields.charges_enabled = known.charges_enabled;
  if (!told.payouts) fields.payouts_enabled = known.payouts_enabled;
  if (!told.details) fields.details_submitted = known.details_submitted;
  if (!told.requirements) fields.requirements = known.requirements;
  return fields;
}

std::int64_t digest_of_fields(const access::AccountFields& fields) {
  Digest digest;
  digest.add(fields.name);
  digest.add(fields.default_currency ? fields.default_currency->str() : "");
  digest.add(fields.country.value_or(""));
  digest.add((fields.charges_enabled ? 4 : 0) + (fields.payouts_enabled ? 2 : 0) +
             std::int64_t{fields.details_submitted});
  digest.add(dump(fields.requirements));
  return digest.value();
}

// access keeps the rows and orders their versions by second and a small rank. Nothing ranks two
// states of an account, so the head of a hash does, that all orders of arrival end in one row; then
// it is fetched. Within a call the whole hash orders, which begins with the same bits.
constexpr int kHeadShift = 48;

std::int64_t positive(std::int64_t digest) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(digest) >> 1);
}
access::AccountVersion version_of(const Shown& shown) {
  return {from_unix(shown.at), static_cast<std::int16_t>(shown.digest >> kHeadShift)};
}

class Accounts final : public Batch {
 public:
  Result<void> add(std::size_t index, const Version& version, const Object& object) override {
    Entry<Account> entry{
        {version.organization, std::string(version.account), {}}, {}, false, index, {}};
    entry.shown.at = to_unix(version.shown_at);
    if (object.type() == "application") {
      if (version.event_type != kDeauthorized) return {};
      entry.row.deauthorized = true;
      entry.key.stripe_id = "application";
    } else {
      const auto json = parse_json(mended_json(version.object));
      if (!json) return json.error();
      auto fields = access::account_fields(*json);
      if (!fields) return fields.error();
      if (fields->stripe_account != version.account) {
        return Error{Kind::unprocessable, "object_invalid", "id is another account's"};
      }
      entry.row.fields = *std::move(fields);
      entry.key.stripe_id = "account";
      entry.row.told = told_by(*json);
      entry.shown.digest = positive(digest_of_fields(entry.row.fields));
    }
    entries_.push_back(std::move(entry));
    return {};
  }

  void write(pg::Tx& tx, Applied& applied) override {
    fold(
        entries_, [&](std::size_t index) { applied.verdicts[index].outcome = Outcome::stale; },
        [](Account&, const Account&) {});
    lock_all(tx);
    for (const Entry<Account>& entry : entries_) write_one(tx, entry, applied);
  }

 private:
  // Organizations first and then accounts, each in their order: two that write several of them
  // never wait for each other in a circle.
  void lock_all(pg::Tx& tx) const {
    pg::Array<OrgId> organizations;
    pg::Array<std::string> accounts;
    for (const Entry<Account>& entry : entries_) {
      if (entry.row.deauthorized) organizations.add(entry.key.organization);
      accounts.add(entry.key.account);
    }
    access::lock_accounts(tx, organizations, accounts);
  }

  void write_one(pg::Tx& tx, const Entry<Account>& entry, Applied& applied) const {
    Verdict& verdict = applied.verdicts[entry.index];
    const auto known = access::find_account(tx, entry.key.account);
    if (!known || known->organization != entry.key.organization) {
      verdict = {Outcome::refused, false, "no such connected account"};
    } else if (entry.row.deauthorized) {
      deauthorize(tx, entry, *known, verdict);
    } else {
      show(tx, entry, *known, applied);
    }
  }

  static void deauthorize(pg::Tx& tx, const Entry<Account>& entry,
                          const access::ConnectedAccount& known, Verdict& verdict) {
    if (known.is_platform) {
      verdict = {Outcome::refused, false,
                 "the platform's own account can't take its authorization back"};
      return;
    }
    access::deauthorize_account(tx, entry.key.organization, entry.key.account,
                                from_unix(entry.shown.at));
    verdict.outcome = Outcome::applied;
  }

  static void show(pg::Tx& tx, const Entry<Account>& entry, const access::ConnectedAccount& known,
                   Applied& applied) {
    const access::AccountFields fields = filled_in(entry.row, known.fields);
    const bool same_second = to_unix(known.shown_at) == entry.shown.at;
    const bool differs = digest_of_fields(known.fields) != digest_of_fields(fields);
    Verdict& verdict = applied.verdicts[entry.index];
    verdict.outcome = Outcome::stale;
    if (from_unix(entry.shown.at) >= known.shown_at && differs) {
      access::show_account(tx, entry.key.organization, fields, version_of(entry.shown));
      verdict.outcome = Outcome::applied;
      ++applied.changed;
    }
    if (entry.tied || (same_second && differs)) {
      Key key = entry.key;
      key.stripe_id = key.account;
      applied.refetch.push_back(refetch_of(key, "account", entry.shown.at));
    }
  }

  std::vector<Entry<Account>> entries_;
};

}  // namespace

std::unique_ptr<Batch> accounts() { return std::make_unique<Accounts>(); }

}  // namespace payoutd::mirror
