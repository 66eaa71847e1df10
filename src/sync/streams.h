// The lists that an account is synced from.
#pragma once

#include <span>
#include <string_view>

namespace payoutd::sync {

struct Stream {
  std::string_view name;
  std::string_view path;
  std::string_view filter;  // "status=all": what the list leaves out without it; name and value
  std::string_view value;
  // Whether its objects change after they were made. Of those that do not, all is known once it was
  // listed, however long ago; `status` of a balance transaction is looked after by itself.
  bool changes;
};

inline constexpr std::string_view kEvents = "events";
inline constexpr std::string_view kBalanceTransactions = "balance_transactions";
inline constexpr std::string_view kCustomers = "customers";
inline constexpr std::string_view kPayoutTransactions = "payout_transactions";

// Without kEvents.
std::span<const Stream> object_streams();
const Stream& stream_named(std::string_view name);  // CHECKs that there is one

}  // namespace payoutd::sync
