// A reply that waits for its commit. The handler returns the reply it would give; the bytes leave when
// the hold is sent, or are replaced (by a 503) when the commit failed. A hold outlives a connection
// that was closed and whose socket was used again: it then does nothing.
#pragma once

#include <memory>

#include "http/message.h"

namespace payoutd::http {

class Hold {
 public:
  void send();                // from any thread, once
  void replace(Reply reply);  // from any thread, instead of send()
};

}  // namespace payoutd::http
