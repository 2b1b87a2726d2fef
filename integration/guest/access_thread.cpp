#include "integration/guest/access_thread.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "integration/guest/page_pattern.hpp"

namespace vnuma::workload {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr std::size_t pages_per_block = 64;  // between two readings of the clock

}  // namespace

AccessThread::~AccessThread() {
    stop_ = true;
    thread_.join();
}

nlohmann::json AccessThread::take_report() {
    nlohmann::json report{{"cpu", pattern_.cpu},
                          {"buffer", pattern_.buffer_name},
                          {"accesses", accesses_.exchange(0)},
                          {"stall_us", stall_us_.exchange(0)}};
    if (pattern_.verify) {
        report["verified"] = verified_.load();
        report["errors"] = errors_.load();
    }
    return report;
}

void AccessThread::run() {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(pattern_.cpu, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
    const auto busy = pattern_.period * pattern_.duty_percent / 100;
    auto start = Clock::now();
    while (!stop_) {
        auto before = Clock::now();
        record_stall(before - start);  // a late wake-up
        while (before - start < busy && !stop_) {
            access_block();
            const auto after = Clock::now();
            record_stall(after - before);
            before = after;
        }
        start = std::max(start + pattern_.period, Clock::now());
        std::this_thread::sleep_until(start);
    }
}

void AccessThread::access_block() {
    volatile char* window = pattern_.buffer->bytes() + pattern_.offset;
    for (std::size_t i = 0; i < pages_per_block; ++i) {
        access_page(window + position_);
        position_ = (position_ + page_bytes) % pattern_.span;
        if (position_ == 0) ++pass_;
    }
    accesses_ += pages_per_block;
}

void AccessThread::access_page(volatile char* page) {
    if (pattern_.verify)
        verify_page(page);
    else if (pattern_.write)
        *page = static_cast<char>((position_ >> 12) + pass_);
    else
        (void)*page;
}

// A page that is wrong is written anew, so that it counts once.
void AccessThread::verify_page(volatile char* page) {
    if (pass_ > 0) {
        if (!is_filled(page, pass_ - 1)) ++errors_;
        ++verified_;
    }
    fill_page(page, pass_);
}

void AccessThread::record_stall(Clock::duration late) {
    const auto us = std::chrono::duration_cast<microseconds>(late).count();
    if (us > stall_us_) stall_us_ = us;
}

}  // namespace vnuma::workload
