#include "http/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

namespace payoutd::http {

Mailbox::Mailbox() : event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { CHECK(event_fd_ >= 0); }
Mailbox::~Mailbox() { ::close(event_fd_); }

template <class F>
void Mailbox::post(F&& put) {
  const std::scoped_lock lock(mutex_);
  put(mail_);
  if (signaled_) return;
  signaled_ = true;
  const std::uint64_t one = 1;
  CHECK(::write(event_fd_, &one, sizeof one) == sizeof one);
}

void Mailbox::answered(Ticket ticket, Answer answer) {
  post([&](Mail& mail) { mail.answered.push_back({ticket, std::move(answer)}); });
}

void Mailbox::released(std::span<const Ticket> tickets) {
  post([&](Mail& mail) {
    mail.released.insert(mail.released.end(), tickets.begin(), tickets.end());
  });
}

void Mailbox::refused(Ticket ticket, Error error) {
  post([&](Mail& mail) { mail.refused.push_back({ticket, std::move(error)}); });
}

void Mailbox::wake() {
  post([](Mail&) {});
}

Mail Mailbox::take() {
  const std::scoped_lock lock(mutex_);
  if (signaled_) {
    std::uint64_t count = 0;
    CHECK(::read(event_fd_, &count, sizeof count) == sizeof count);
    signaled_ = false;
  }
  return std::exchange(mail_, Mail{});
}

}  // namespace payoutd::http
