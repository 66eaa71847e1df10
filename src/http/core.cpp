#include "http/core.h"

namespace payoutd::http {

Answer Core::answer(Request& request, const Route& route, Ticket ticket) {
  HoldSource source{mailbox, ticket};
  Answer answer = engine.respond(request.method, request.request_id,
                                 [&] { return router.run(request, route, source); });
  answer.held = source.held;
  return answer;
}

Answer Core::refuse(std::string_view method, const std::string& request_id, int status,
                    const Error& error, const std::string& allow) {
  return engine.respond(method, request_id, [&] {
    Reply reply = router.refuse(status, error, request_id);
    if (!allow.empty()) reply.headers.emplace_back("Allow", allow);
    return reply;
  });
}

}  // namespace payoutd::http
