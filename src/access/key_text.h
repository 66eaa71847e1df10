// The text of an API key: "pk_payoutd_" and 32 characters of [0-9A-Za-z], 190 random bits. It is
// shown once; what is stored is its SHA-256, which needs no salt or stretching at that entropy.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

namespace payoutd::access {

inline constexpr std::string_view kKeyPrefix = "pk_payoutd_";
inline constexpr std::size_t kKeyRandomCharacters = 32;

Secret make_key_text();
bool looks_like_key(std::string_view text);

// The part that lists show: the prefix and four characters, which leaves 166 bits unknown.
std::string shown_prefix(const Secret& key);

std::string sha256(std::string_view bytes);  // its 32 bytes

// Takes the same time wherever the texts differ.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace payoutd::access
