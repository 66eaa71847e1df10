#include "http/hold.h"

#include <vector>

#include "base/check.h"
#include "http/mailbox.h"

namespace payoutd::http {

Hold::Hold(std::shared_ptr<Mailbox> mailbox, Ticket ticket)
    : mailbox_(std::move(mailbox)), ticket_(ticket) {}

Hold& Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  drop();
  mailbox_ = std::move(other.mailbox_);
  ticket_ = other.ticket_;
  return *this;
}

Hold::~Hold() { drop(); }

void Hold::drop() noexcept {
  if (mailbox_) refuse({Kind::retry, "not_confirmed", "this could not be confirmed; try again"});
}

void Hold::send() {
  if (const auto mailbox = std::move(mailbox_)) mailbox->released({&ticket_, 1});
}

void Hold::refuse(Error error) {
  if (const auto mailbox = std::move(mailbox_)) mailbox->refused(ticket_, std::move(error));
}

void Hold::send_all(std::span<Hold> holds) {
  std::vector<Ticket> tickets;
  tickets.reserve(holds.size());
  for (std::size_t i = 0; i < holds.size(); ++i) {
    const auto mailbox = std::move(holds[i].mailbox_);
    if (mailbox == nullptr) continue;
    tickets.push_back(holds[i].ticket_);
    const bool last = i + 1 == holds.size() || holds[i + 1].mailbox_ != mailbox;
    if (!last) continue;
    mailbox->released(tickets);
    tickets.clear();
  }
}

}  // namespace payoutd::http
