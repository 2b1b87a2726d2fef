#include "integration/guest/toucher.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

namespace vnuma::workload {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr std::size_t pages_per_block = 64;  // between two looks at the clock

}  // namespace

Toucher::~Toucher() {
    stop_ = true;
    thread_.join();
}

nlohmann::json Toucher::take_report() {
    return {{"cpu", pattern_.cpu},
            {"buffer", pattern_.buffer_name},
            {"touches", touches_.exchange(0)},
            {"stall_us", stall_us_.exchange(0)}};
}

void Toucher::run() {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(pattern_.cpu, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
    const auto busy = pattern_.period * pattern_.duty_percent / 100;
    auto start = Clock::now();
    while (!stop_) {
        auto before = Clock::now();
        note_stall(before - start);  // a late wake-up
        while (before - start < busy && !stop_) {
            touch_block();
            const auto after = Clock::now();
            note_stall(after - before);
            before = after;
        }
        start = std::max(start + pattern_.period, Clock::now());
        std::this_thread::sleep_until(start);
    }
}

void Toucher::touch_block() {
    volatile char* window = pattern_.buffer->bytes() + pattern_.offset;
    for (std::size_t i = 0; i < pages_per_block; ++i) {
        if (pattern_.write)
            window[position_] = static_cast<char>((position_ >> 12) + pass_);
        else
            (void)window[position_];
        position_ = (position_ + page_bytes) % pattern_.span;
        if (position_ == 0) ++pass_;
    }
    touches_ += pages_per_block;
}

void Toucher::note_stall(Clock::duration late) {
    const auto us = std::chrono::duration_cast<microseconds>(late).count();
    if (us > stall_us_) stall_us_ = us;
}

}  // namespace vnuma::workload
