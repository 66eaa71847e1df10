// Whose key this is. The platform's own account is called without a header, so nothing but the key
// says which one Stripe pays from, or lists: the key of another platform would move that one's
// money, and bring its rows into these books.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "access/connected_accounts.h"
#include "stripe/client.h"

namespace payoutd::mirror {

class OwnAccount {
 public:
  // `asking` is a GET of /v1/account.
  explicit OwnAccount(
      stripe::Client& client,
      stripe::Request asking = stripe::Request::get("/v1/account").with(stripe::Priority::money))
      : client_(client), asking_(std::move(asking)) {}

  // Nothing for an account that is called by its id. The key's account is asked for until it is
  // known. Errors: 409 `another_platform`; as Client::call, and then it is not known.
  Result<void> check(const access::ConnectedAccount& account);

 private:
  Result<std::string> id();

  stripe::Client& client_;
  const stripe::Request asking_;
  std::mutex mutex_;
  std::string id_;
};

inline constexpr const char* kAnotherPlatform = "another_platform";

}  // namespace payoutd::mirror
