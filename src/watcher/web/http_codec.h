// From the bytes of a request to the bytes of its answer: cpp-httplib parses, routes and renders, the
// Responder knows what to answer. No socket and no wait is in it. Only its .cpp includes httplib.h.
//
// Any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "net/endpoint.h"
#include "watcher/web/event_stream.h"
#include "watcher/web/framing.h"
#include "watcher/web/rendered_answers.h"
#include "watcher/web/responder.h"

namespace redis_zk::watcher::web {

struct Asked {
  Framed request;
  Endpoint from;
  bool encrypted = false;    // the request came with TLS
  TimePoint at;              // when it had begun
  bool may_wait = true;      // false: the client gets what is known
  bool keeps_alive = true;   // what becomes of the connection afterwards
  bool may_compress = true;  // which takes long
};

struct Outcome {
  int status = 500;
  std::string bytes{};
  std::optional<TimePoint> wait_until{};  // nothing to send yet: ask again with the next news, or then
  std::shared_ptr<EventStream> stream{};  // goes on after the bytes, in chunks unless the client is HTTP/1.0
};

class HttpCodec {
 public:
  // It must outlive the codec.
  explicit HttpCodec(Responder& responder);
  ~HttpCodec();
  HttpCodec(const HttpCodec&) = delete;
  HttpCodec& operator=(const HttpCodec&) = delete;

  // Whatever goes wrong is an answer, too: 500.
  Outcome Answer(const Asked& asked);

 private:
  class Library;
  Responder& responder_;
  RenderedAnswers rendered_;
  const std::unique_ptr<Library> library_;
};

// The answer to what is no request; the connection ends with it.
std::string RenderRefusal(const Refused& refused);
// A piece of a body without a length. None is empty but the last.
std::string RenderChunk(std::string_view piece);

}  // namespace redis_zk::watcher::web
