// libbpf's own words, which it prints to stderr unless it is told where else to.
#pragma once

#include <cstddef>
#include <string>

namespace vnuma {

// Keeps what libbpf says on this thread while it lives; nothing of libbpf reaches stderr then or
// afterwards. One at a time on a thread.
class BpfLog {
  public:
    static constexpr std::size_t max_bytes = 2'000;

    BpfLog();
    ~BpfLog();
    BpfLog(const BpfLog&) = delete;
    BpfLog& operator=(const BpfLog&) = delete;

    // On one line. The first messages, long ones without their middle.
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

}  // namespace vnuma
