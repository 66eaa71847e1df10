#include "payouts/look_rules.h"

#include <algorithm>
#include <functional>

#include "base/check.h"

namespace payoutd::payouts {

std::chrono::milliseconds pause_before_look(int looks, double spread) {
  using std::chrono::milliseconds;
  const auto whole =
      std::min<milliseconds>(kFirstLook * (1 << std::clamp(looks, 0, 16)), kLongestPause);
  const double more = static_cast<double>(whole.count()) * std::clamp(spread, 0.0, 1.0) / 2;
  return whole + milliseconds{static_cast<std::int64_t>(more)};
}

Time next_look(const rails::Instruction& instruction, Time now) {
  constexpr std::size_t kParts = 1'000;
  CHECK(instruction.looks >= 0);
  const auto part = std::hash<std::string>{}(instruction.id.str()) % (kParts + 1);
  return now + pause_before_look(instruction.looks, static_cast<double>(part) / kParts);
}

}  // namespace payoutd::payouts
