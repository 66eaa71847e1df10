// What other threads tell the thread that owns the sockets. It is woken once, however much is
// posted before it looks.
#pragma once

#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "http/hold.h"
#include "http/message.h"

namespace payoutd::http {

// A reply as bytes, ready for its connection.
struct Answer {
  std::string bytes;
  int status = 500;
  Wire wire = Wire::whole;
  bool held = false;  // waits for its hold
};

struct Mail {
  struct Answered {
    Ticket ticket;
    Answer answer;
  };
  struct Refused {
    Ticket ticket;
    Error error;
  };
  std::vector<Answered> answered;
  std::vector<Ticket> released;
  std::vector<Refused> refused;
};

class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  int fd() const { return event_fd_; }  // readable while there is mail
  void answered(Ticket ticket, Answer answer);
  void released(std::span<const Ticket> tickets);
  void refused(Ticket ticket, Error error);
  void wake();
  Mail take();

 private:
  template <class F>
  void post(F&& put);

  std::mutex mutex_;
  Mail mail_;
  bool signaled_ = false;
  int event_fd_;
};

}  // namespace payoutd::http
