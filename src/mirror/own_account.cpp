#include "mirror/own_account.h"

#include <fmt/format.h>

#include "base/json.h"

namespace payoutd::mirror {

Result<void> OwnAccount::check(const access::ConnectedAccount& account) {
  if (!account.stripe_header().empty()) return {};
  const auto own = id();
  if (!own) return own.error();
  if (*own == account.id()) return {};
  return Error{Kind::refused, kAnotherPlatform,
               fmt::format("STRIPE_SECRET_KEY is a key of {}, and this database is that of the "
                           "platform {}: use that platform's key, or another database",
                           *own, account.id())};
}

Result<std::string> OwnAccount::id() {
  {
    const std::scoped_lock lock(mutex_);
    if (!id_.empty()) return id_;
  }
  // Nobody waits for another's call: those that come at once each ask, and all are told the same.
  const auto answer = client_.call(asking_);
  if (!answer) return answer.error();
  const Json shown = Json::parse(answer->body, nullptr, false);
  const auto found = shown.is_object() ? shown.find("id") : shown.end();
  if (!shown.is_object() || found == shown.end() || !found->is_string())
    return Error{Kind::upstream, "stripe_account_malformed", "Stripe shows no id of its account"};
  const std::scoped_lock lock(mutex_);
  return id_ = found->get<std::string>();
}

}  // namespace payoutd::mirror
