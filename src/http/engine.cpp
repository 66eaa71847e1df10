#include "http/engine.h"

#include <httplib.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/check.h"
#include "base/log.h"

namespace payoutd::http {
namespace {

class MemoryStream final : public httplib::Stream {
 public:
  MemoryStream(std::string_view in, std::string& out) : in_(in), out_(out) {}

  bool is_readable() const override { return !in_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    const std::size_t n = std::min(size, in_.size());
    std::copy_n(in_.data(), n, to);
    in_.remove_prefix(n);
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, size_t size) override {
    out_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
  void get_local_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  std::string_view in_;
  std::string& out_;
};

// The response being made on this thread: cpp-httplib's callbacks belong to the server, not to it.
struct Turn {
  const std::function<Reply()>& make;
  const std::string& request_id;
  Wire wire = Wire::whole;
  int status = 500;
};
thread_local Turn* turn = nullptr;

class Taking {
 public:
  explicit Taking(Turn& mine) : outer_(std::exchange(turn, &mine)) {}
  ~Taking() { turn = outer_; }
  Taking(const Taking&) = delete;
  Taking& operator=(const Taking&) = delete;

 private:
  Turn* outer_;
};

bool sendable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

void fill(httplib::Response& response, Reply reply) {
  CHECK(reply.status >= 200 && reply.status <= 599);
  bool caching_said = false;
  for (const auto& [name, value] : reply.headers) {
    CHECK(!name.empty() && sendable(name) && sendable(value));
    caching_said = caching_said || equal_in_any_case(name, "Cache-Control");
    response.headers.emplace(name, value);
  }
  CHECK(sendable(reply.content_type));
  response.status = reply.status;
  response.headers.emplace("X-Request-Id", turn->request_id);
  response.headers.emplace("X-Content-Type-Options", "nosniff");
  if (!caching_said) response.headers.emplace("Cache-Control", "no-store");
  if (!reply.body.empty()) response.headers.emplace("Content-Type", std::move(reply.content_type));
  response.body = std::move(reply.body);
}

}  // namespace

class Engine::Httplib final : public httplib::Server {
 public:
  explicit Httplib(const std::string& server_name) {
    set_default_headers({{"Server", server_name}});
    // The body was framed before and lies outside the stream, so nothing is left unread by
    // answering here; and no std::regex sees the path.
    set_pre_routing_handler([](const httplib::Request&, httplib::Response& response) {
      Reply reply = turn->make();
      turn->wire = reply.wire;
      fill(response, std::move(reply));
      return HandlerResponse::Handled;
    });
    set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
          log::error("a reply could not be written", {{"request_id", turn->request_id}});
          response = httplib::Response();
          Reply plain = error_reply(
              500, {Kind::retry, "internal", "something went wrong on our side"}, turn->request_id);
          fill(response, std::move(plain));
        });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      turn->status = response.status;
      response.headers.erase("Keep-Alive");
      response.headers.erase("Accept-Ranges");
      if (response.status == 204 || response.status == 304)
        response.headers.erase("Content-Length");
    });
  }

  std::string run(std::string_view head) {
    std::string out;
    MemoryStream stream(head, out);
    bool closed = false;
    CHECK(process_request(stream, false, closed, nullptr));
    return out;
  }
};

Engine::Engine(std::string server_name) : httplib_(std::make_unique<Httplib>(server_name)) {}
Engine::~Engine() = default;

Answer Engine::respond(std::string_view method, const std::string& request_id,
                       const std::function<Reply()>& make) {
  Turn mine{make, request_id};
  const Taking taking(mine);
  std::string head;
  head.append(method).append(" / HTTP/1.1\r\n\r\n");
  Answer answer;
  try {
    answer.bytes = httplib_->run(head);
  } catch (const std::exception& error) {
    log::error("no response could be written", {{"request_id", request_id}});
    answer.bytes =
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nX-Request-Id: " + request_id +
        "\r\n\r\n";
    return answer;
  }
  answer.status = mine.status;
  answer.wire = mine.wire;
  return answer;
}

void mark_last(std::string& response) {
  response.insert(response.find("\r\n") + 2, "Connection: close\r\n");
}

void cut_short(std::string& response) {
  const std::size_t body = response.find("\r\n\r\n") + 4;
  response.resize(body + (response.size() - body) / 2);
}

}  // namespace payoutd::http
