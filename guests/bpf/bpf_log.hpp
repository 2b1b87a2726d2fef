// Keeps the messages of libbpf, which otherwise go to stderr.
#pragma once

#include <cstddef>
#include <string>

namespace vnuma {

// Keeps the messages that libbpf prints on this thread during the object's life. Nothing reaches
// stderr then or later. At most one object at a time on a thread.
class BpfLog {
  public:
    static constexpr std::size_t max_bytes = 2'000;

    BpfLog();
    ~BpfLog();
    BpfLog(const BpfLog&) = delete;
    BpfLog& operator=(const BpfLog&) = delete;

    // The first messages, on one line. Long ones lack their middle.
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

}  // namespace vnuma
