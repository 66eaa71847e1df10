// One send of one request by libcurl: sets it up, gathers the answer, and says how far it came.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "stripe/client.h"

namespace payoutd::stripe {

// What one send came to.
struct Sent {
  LastSend last;
  Response response;  // status 0 unless answered
  std::optional<StripeError> refusal;
  std::string failure;   // libcurl's words, keys masked, when nobody answered
  int lost_before = 0;   // libcurl itself repeats a request whose kept connection died: those sends
  long connections = 0;  // that had to be made
  std::optional<Time> date{};  // the server's Date
  Instant left{}, dated{};     // when the request was about to leave, when its Date came
};

// Stays where it is while it runs: libcurl holds its address.
class CurlSend {
 public:
  CurlSend(const Client::Options& options, const Request& request, Time sent_at, CURL* easy);
  CurlSend(const CurlSend&) = delete;
  CurlSend& operator=(const CurlSend&) = delete;

  CURL* easy() const { return easy_; }
  // With libcurl's result; CURLE_ABORTED_BY_CALLBACK for one that was cut. Once.
  Sent finish(CURLcode result);

 private:
  struct FreeHeaders {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  void set_headers(const Client::Options& options, const Request& request);
  void set_method(const Request& request);
  void set_connection(const Client::Options& options, const Request& request);
  void take_header(std::string_view line);
  bool take_body(std::string_view bytes);

  static int about_to_send(void* self, char*, char*, int, int);
  static std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* self);
  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self);

  CURL* easy_;
  std::unique_ptr<curl_slist, FreeHeaders> headers_;
  std::size_t max_bytes_;
  Response response_;
  int sends_ = 0;  // how often the request was about to leave
  std::optional<Time> date_{};
  Instant left_{}, dated_{};
  bool too_large_ = false;
  char failure_[CURL_ERROR_SIZE] = {};
};

}  // namespace payoutd::stripe
