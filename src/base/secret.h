// A string that no log, message or JSON prints by accident: only reveal() gives it out.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace payoutd {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string value_;
};

}  // namespace payoutd

template <>
struct fmt::formatter<payoutd::Secret> : fmt::formatter<std::string_view> {
  auto format(const payoutd::Secret&, format_context& ctx) const {
    return fmt::formatter<std::string_view>::format("[secret]", ctx);
  }
};
