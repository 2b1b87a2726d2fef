// A monitor that is none.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace vnuma::lab {

// Listens on a socket, greets like QEMU's monitor, and then sends events as fast as they are read.
class StreamingMonitor {
  public:
    explicit StreamingMonitor(const std::string& path);  // throws std::system_error
    ~StreamingMonitor();
    StreamingMonitor(const StreamingMonitor&) = delete;
    StreamingMonitor& operator=(const StreamingMonitor&) = delete;

    std::uint64_t sent_bytes() const { return sent_; }

  private:
    void serve();
    void stream_to(int peer);

    int socket_ = -1;
    std::atomic<bool> ending_ = false;
    std::atomic<std::uint64_t> sent_ = 0;
    std::thread server_;
};

}  // namespace vnuma::lab
