#include "access/connected_accounts.h"
#include "mirror/kinds.h"
#include "mirror/set.h"

namespace payoutd::mirror {

namespace {

constexpr std::string_view kDeauthorized = "account.application.deauthorized";

struct Account {
  access::AccountFields fields;
  bool deauthorized = false;
};

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
// states of an account, so a hash does, that all orders of arrival end in one row; then it is
// fetched.
access::AccountVersion version_of(const Shown& shown) {
  return {from_unix(shown.at), static_cast<std::int16_t>(shown.digest & 0x7fff)};
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
      entry.shown.digest = digest_of_fields(entry.row.fields);
    }
    entries_.push_back(std::move(entry));
    return {};
  }

  void write(pg::Tx& tx, Applied& applied) override {
    fold(
        entries_, [&](std::size_t index) { applied.verdicts[index].outcome = Outcome::stale; },
        [](Account&, const Account&) {});
    for (const Entry<Account>& entry : entries_) write_one(tx, entry, applied);
  }

 private:
  void write_one(pg::Tx& tx, const Entry<Account>& entry, Applied& applied) const {
    Verdict& verdict = applied.verdicts[entry.index];
    const auto known = access::find_account(tx, entry.key.account);
    if (!known || known->organization != entry.key.organization) {
      verdict = {Outcome::refused, false, "no such connected account"};
      return;
    }
    if (entry.row.deauthorized) {
      access::deauthorize_account(tx, entry.key.organization, entry.key.account,
                                  from_unix(entry.shown.at));
      verdict.outcome = Outcome::applied;
      return;
    }
    const bool same_second = to_unix(known->shown_at) == entry.shown.at;
    const bool differs = digest_of_fields(known->fields) != entry.shown.digest;
    verdict.outcome = Outcome::stale;
    if (from_unix(entry.shown.at) >= known->shown_at && differs) {
      access::show_account(tx, entry.key.organization, entry.row.fields, version_of(entry.shown));
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
