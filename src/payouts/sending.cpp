#include "payouts/sending.h"

namespace payoutd::payouts {

Result<std::string> SendingParts::stripe_header(OrgId organization,
                                                const std::string& account) const {
  const auto found = access::pick_account(db, organization, account);
  if (!found) return found.error();
  if (auto ours = own_account.check(*found); !ours) return ours.error();
  return std::string(found->stripe_header());
}

}  // namespace payoutd::payouts
