// Asks vnumad what the model wants to know, also after vnumad was gone. Nothing waits for it: keys
// are answered however slow vnumad is.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include "src/ctl/connection.hpp"
#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

inline constexpr std::size_t max_pending = 16;  // requests; later ones are dropped

class Asker {
  public:
    using Clock = std::chrono::steady_clock;

    // The connection connects again by itself after it was lost.
    explicit Asker(Connection& connection) : connection_(connection) {}

    // Puts a request behind those that wait. One that waits already is not put there twice.
    void add(Request request);
    // The next reply that has come, after which the next request is sent. Whatever goes wrong is a
    // Failure.
    std::optional<Reply> next();

    // Can be read when next() may have a reply. -1 where nothing is to be read.
    int descriptor() const { return sent_ ? connection_.descriptor() : -1; }
    // How long the request that was sent has had no answer.
    std::chrono::milliseconds unanswered(Clock::time_point now) const;

  private:
    std::optional<Reply> take();

    Connection& connection_;
    std::deque<Request> pending_;
    std::optional<Request> sent_;
    Clock::time_point sent_at_;
};

}  // namespace vnuma::ctl::top
