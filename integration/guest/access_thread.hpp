// One thread of a workload pattern: accesses the pages of a window of a buffer in a loop.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "integration/guest/buffer.hpp"

namespace vnuma::workload {

struct Pattern {
    int cpu = 0;
    std::string buffer_name;
    std::shared_ptr<Buffer> buffer;
    std::size_t offset = 0, span = 0;  // the window, in bytes
    bool write = false;
    int duty_percent = 0;
    std::chrono::milliseconds period{20};
    bool verify = false;  // needs `write`
};

class AccessThread {
  public:
    explicit AccessThread(Pattern pattern)
        : pattern_(std::move(pattern)), thread_([this] { run(); }) {}
    ~AccessThread();
    AccessThread(const AccessThread&) = delete;
    AccessThread& operator=(const AccessThread&) = delete;

    const Pattern& pattern() const { return pattern_; }

    // The thread's accesses and longest stall since the last call. Of a thread that verifies also
    // how many pages it has verified since it began, and how many of them were wrong.
    nlohmann::json take_report();

  private:
    void run();
    void access_block();
    void access_page(volatile char* page);
    void verify_page(volatile char* page);
    void record_stall(std::chrono::steady_clock::duration late);

    Pattern pattern_;
    std::size_t position_ = 0;  // in the window, in bytes
    // Every pass over the window writes different values, since QEMU's dirty rate measurement may
    // compare the content of pages.
    std::size_t pass_ = 0;
    std::atomic<std::uint64_t> accesses_{0}, verified_{0}, errors_{0};
    std::atomic<std::int64_t> stall_us_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;  // declared last, since it uses all members above
};

}  // namespace vnuma::workload
