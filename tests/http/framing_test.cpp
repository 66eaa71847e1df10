// What one program may read differently from another is refused, over real sockets.
#include <gtest/gtest.h>

#include "world.h"

namespace payoutd::http {
namespace {

struct Refused {
  const char* what;
  std::string bytes;
  int status;
  const char* code;
};

std::string with(std::string_view headers) {
  return "POST /echo HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n";
}

class Framing : public ::testing::Test {
 protected:
  void SetUp() override {
    world.on("GET", "/headers", [](Context& c) {
      std::string all = c.request.remote + "\n";
      for (const auto& [name, value] : c.request.headers) all += name + "=" + value + "\n";
      return Reply::text(200, all);
    });
    world.start();
  }
  void expect_refused(const Refused& one) {
    Client client = world.client();
    const Answered answered = client.ask(one.bytes);
    EXPECT_EQ(answered.status, one.status) << one.what;
    EXPECT_EQ(answered.code(), one.code) << one.what;
    EXPECT_EQ(answered.header("connection"), "close") << one.what;
    EXPECT_TRUE(answered.header("x-request-id").starts_with("req_")) << one.what;
    EXPECT_TRUE(client.ended()) << one.what;
  }
  World world;
};

TEST_F(Framing, RefusesTwoReadingsOfTheLength) {
  const std::string both = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
  for (const Refused& one : std::vector<Refused>{
           {"chunked", with("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n", 501,
            "transfer_encoding"},
           {"identity", with("Transfer-Encoding: identity\r\n"), 501, "transfer_encoding"},
           {"both", with(both) + "0\r\n\r\n", 400, "ambiguous_length"},
           {"both, turned", with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400,
            "ambiguous_length"},
           {"two", with("Content-Length: 3\r\nContent-Length: 4\r\n") + "abcd", 400,
            "invalid_content_length"},
           {"two equal", with("Content-Length: 3\r\nContent-Length: 3\r\n") + "abc", 400,
            "invalid_content_length"},
           {"list", with("Content-Length: 3, 3\r\n") + "abc", 400, "invalid_content_length"},
           {"signed", with("Content-Length: +3\r\n") + "abc", 400, "invalid_content_length"},
           {"negative", with("Content-Length: -1\r\n"), 400, "invalid_content_length"},
           {"hex", with("Content-Length: 0x3\r\n") + "abc", 400, "invalid_content_length"},
           {"empty", with("Content-Length:\r\n"), 400, "invalid_content_length"},
           {"huge", with("Content-Length: 99999999999999999999\r\n"), 400,
            "invalid_content_length"},
           {"gzip", with("Content-Encoding: gzip\r\nContent-Length: 3\r\n") + "abc", 415,
            "content_encoding"},
       }) {
    expect_refused(one);
  }
}

TEST_F(Framing, RefusesLooseLines) {
  for (const Refused& one : std::vector<Refused>{
           {"bare LF", "GET /hello HTTP/1.1\nHost: h\n\n", 400, "bare_line_feed"},
           {"bare LF in headers", "GET /hello HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400,
            "bare_line_feed"},
           {"CR inside", with("A: b\rC: d\r\n"), 400, "invalid_header"},
           {"NUL", with(std::string("A: b\0c\r\n", 8)), 400, "invalid_header"},
           {"not UTF-8", with("A: \xff\r\n"), 400, "invalid_header"},
           {"folded", with("A: b\r\n c\r\n"), 400, "folded_header"},
           {"space before colon", with("Content-Length : 3\r\n"), 400, "invalid_header"},
           {"space first", with(" A: b\r\n"), 400, "folded_header"},
           {"no name", with(": b\r\n"), 400, "invalid_header"},
           {"no colon", with("nonsense\r\n"), 400, "invalid_header"},
           {"no host", "GET /hello HTTP/1.1\r\n\r\n", 400, "invalid_host"},
           {"two hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "invalid_host"},
           {"strange host", "GET /hello HTTP/1.1\r\nHost: a/b@c\r\n\r\n", 400, "invalid_host"},
           {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version"},
           {"no version", "GET /hello\r\n\r\n", 400, "invalid_request_line"},
           {"odd version", "GET /hello HTTP/1.10\r\n\r\n", 505, "http_version"},
           {"two spaces", "GET  /hello HTTP/1.1\r\n\r\n", 400, "invalid_request_line"},
           {"tab", "GET\t/hello HTTP/1.1\r\n\r\n", 400, "invalid_request_line"},
           {"method", "G(T /hello HTTP/1.1\r\n\r\n", 400, "invalid_request_line"},
           {"unknown method", "BREW /hello HTTP/1.1\r\n\r\n", 501, "method_unknown"},
           {"lower case", "get /hello HTTP/1.1\r\n\r\n", 501, "method_unknown"},
           {"TLS", std::string("\x16\x03\x01\x02\x00\x01", 6), 400, "invalid_request_line"},
           {"expectation", with("Expect: magic\r\n"), 417, "expectation"},
           {"target", get("/%zz"), 400, "invalid_target"},
           {"NUL target", get("/a%00"), 400, "invalid_target"},
       }) {
    expect_refused(one);
  }
}

TEST_F(Framing, BoundsLinesHeadersAndTargets) {
  std::string many;
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  std::string large;
  for (int i = 0; i < 5; ++i) large += "A: " + std::string(8'000, 'x') + "\r\n";
  for (const Refused& one : std::vector<Refused>{
           {"header line", with("A: " + std::string(9'000, 'x') + "\r\n"), 431, "header_too_large"},
           {"endless header line", "GET / HTTP/1.1\r\nA: " + std::string(100'000, 'x'), 431,
            "header_too_large"},
           {"count", with(many), 431, "too_many_headers"},
           {"bytes", with(large), 431, "header_too_large"},
           {"uri", get("/" + std::string(5'000, 'a')), 414, "uri_too_long"},
           {"endless uri", "GET /" + std::string(100'000, 'a'), 414, "uri_too_long"},
       }) {
    expect_refused(one);
  }
}

TEST_F(Framing, APathOf8000CharactersIsRefusedOrRoutedWithoutOverflow) {
  Limits wide;
  wide.max_uri_bytes = 16'000;
  wide.max_line_bytes = 20'000;
  World other(wide);
  other.start();
  EXPECT_EQ(other.ask(get("/" + std::string(8'000, 'a'))).status, 404);
  std::string slashes;
  for (int i = 0; i < 4'000; ++i) slashes += "/a";
  EXPECT_EQ(other.ask(get(slashes)).status, 404);
  EXPECT_EQ(world.ask(get("/" + std::string(8'000, 'a'))).status, 414);
}

TEST_F(Framing, TheClientCannotNameItsOwnAddress) {
  const Answered answered =
      world.ask(get("/headers",
                    "REMOTE_ADDR: 6.6.6.6\r\nRemote-Addr: 6.6.6.6\r\nREMOTE_PORT: 1\r\n"
                    "LOCAL_ADDR: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\n"));
  EXPECT_EQ(answered.body, "127.0.0.1\nhost=h\nx-forwarded-for=6.6.6.6\n");
}

TEST_F(Framing, HeaderValuesArriveExactly) {
  const Answered answered =
      world.ask(get("/headers", "Idempotency-Key:  a%20b+c \r\nRange: bytes=0-1\r\n"));
  EXPECT_EQ(answered.status, 200);
  EXPECT_EQ(answered.body, "127.0.0.1\nhost=h\nidempotency-key=a%20b+c\nrange=bytes=0-1\n");
}

TEST_F(Framing, AnswersAreNeverCompressed) {
  const Answered answered = world.ask(get("/hello", "Accept-Encoding: br, gzip\r\n"));
  EXPECT_EQ(answered.body, "hello");
  EXPECT_EQ(answered.header("content-encoding"), "");
  EXPECT_EQ(answered.header("content-length"), "5");
}

TEST_F(Framing, ReadsARequestByteByByte) {
  Client client = world.client();
  for (const char c : post("/echo", "abc")) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.read().body, "abc");
}

TEST_F(Framing, ForgivesOneEmptyLineBetweenRequests) {
  Client client = world.client();
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
  EXPECT_EQ(client.ask("\r\n" + get("/hello")).status, 200);
  EXPECT_EQ(client.ask("\r\n\r\n" + get("/hello")).status, 400);
}

TEST_F(Framing, TheBodyOfAnUnknownPathIsNoNextRequest) {
  Client client = world.client();
  const std::string inner = get("/hello");
  const Answered answered = client.ask(post("/nothing", inner));
  EXPECT_EQ(answered.status, 404);
  EXPECT_EQ(answered.code(), "path_not_found");
  EXPECT_EQ(client.ask(get("/work")).body, "worked");
  EXPECT_TRUE(client.unread().empty());
}

TEST_F(Framing, OldClientsAreAnsweredOnce) {
  Client client = world.client();
  const Answered answered = client.ask("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(answered.body, "hello");
  EXPECT_EQ(answered.header("connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST_F(Framing, ClosesWhenAsked) {
  Client client = world.client();
  EXPECT_EQ(client.ask(get("/hello", "Connection: foo, Close\r\n")).header("connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST_F(Framing, SaysContinueOnlyForABodyThatItTakes) {
  Client client = world.client();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  EXPECT_EQ(client.ask("abc").body, "abc");
  client.send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 413);
}

TEST_F(Framing, RefusesALargeBodyBeforeItArrives) {
  Client client = world.client();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n";
  const Answered answered = client.ask(head + std::string(1'000, 'x'));
  EXPECT_EQ(answered.status, 413);
  EXPECT_EQ(answered.code(), "body_too_large");
  EXPECT_TRUE(client.ended());
}

// The refusal must not be lost to a connection reset by the bytes that nobody read.
TEST_F(Framing, ARefusalReachesAClientThatIsStillSending) {
  for (int i = 0; i < 20; ++i) {
    Client client = world.client();
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
    client.send(std::string(3'000'000, 'x'));
    EXPECT_EQ(client.read().status, 413);
  }
}

}  // namespace
}  // namespace payoutd::http
