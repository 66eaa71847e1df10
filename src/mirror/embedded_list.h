// The list inside an object that Stripe shows in part: ten refunds of a fee, the first items of a
// subscription. Source: docs.stripe.com/api/application_fees, /subscriptions, /subscription_items
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "stripe/client.h"

namespace payoutd::mirror {

// `body`, an object of that type, with its list read to its end; as it is where nothing is left
// out. Errors: as Client::call; upstream `stripe_list_malformed`; refused `list_too_long` beyond
// kMostEmbedded elements.
inline constexpr std::size_t kMostEmbedded = 1'000;
Result<std::string> with_whole_list(stripe::Client& client, std::string_view stripe_header,
                                    std::string_view type, std::string body);

}  // namespace payoutd::mirror
