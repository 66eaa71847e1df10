// A rail that is asked over HTTP, as a translator: the request that an instruction stores, what an
// answer says of it, and which of a list's objects is which instruction's. A rail sends nothing,
// writes nothing and settles nothing: payouts do, and know no rail but by this.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "rails/instruction.h"
#include "stripe/exchange.h"
#include "stripe/pages.h"

namespace payoutd::rails {

// The payment, as it is put into a request.
struct Order {
  PayoutId payout;  // of several the first
  std::int32_t attempt = 1;
  Money money;
  std::string method;  // standard, instant
  OptionalText description{};
  OptionalText request_key{};      // the Idempotency-Key that it was asked for with
  Json metadata = Json::object();  // texts by key
};
struct OrderRequest {
  std::string path;  // "/v1/payouts"
  std::string body;  // the exact bytes
};

enum class SendVerdict {
  done,         // the rail took it; its object tells
  refused,      // definitively not, and never under this key
  not_arrived,  // certainly not yet: the same key is sent later
  unknown,
};

// How an object of the rail relates to an instruction.
enum class Match {
  its_payment,
  another_amount,  // it names the payout and the attempt
  nothing,         // of it
};
struct Recognised {
  Match match = Match::nothing;
  std::string stripe_id{};  // po_… or tr_…, unless nothing
};
// An item of a list, and the instruction that it names.
struct RecognisedItem {
  std::size_t item = 0;         // of the page's
  std::size_t instruction = 0;  // of those given
  Recognised as;
};

class Rail {
 public:
  virtual ~Rail() = default;

  virtual OrderRequest request(const Order& order) const = 0;

  // `sent` is the instruction as it was sent, `known` as it stands now: an answer to one send says
  // nothing of another that began meanwhile, unless it is the stored result of the key.
  virtual SendVerdict classify(const stripe::Answer& answer, const Instruction& sent,
                               const Instruction& known) const = 0;

  // How the object in a successful answer relates to the instruction that asked for it.
  virtual Recognised recognise(std::string_view object, const Instruction& instruction) const = 0;

  // Where the rail lists what it made: the path, to be read with `created[gte]`.
  virtual std::string_view list_path() const = 0;
  // Which items of a page name one of these instructions.
  virtual std::vector<RecognisedItem> recognise(const stripe::Page& page,
                                                std::span<const Instruction> open) const = 0;
};

// The rail of that name. CHECKs that it is asked over HTTP.
const Rail& rail_named(RailName name);

// Stripe has refused it for good: no limit, nothing that may work later.
bool is_refusal(const stripe::Answer& answer);

}  // namespace payoutd::rails
