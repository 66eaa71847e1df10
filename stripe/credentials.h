// Which secret keys and addresses of Stripe's API are taken, for settings and the client alike.
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"

namespace payoutd::stripe {

// What is wrong with it, to follow "the key …"; nothing where it is a secret or restricted key.
std::optional<std::string> why_wrong_key(const Secret& key);

// Only a host and a port. Plain http would show the key to the network: it is taken to this machine
// alone, or with a test key.
std::optional<std::string> why_wrong_base(const std::string& base, const Secret& key);

}  // namespace payoutd::stripe
