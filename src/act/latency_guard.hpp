// Whether a guest feels that its memory moves: whether its vCPUs wait longer for a CPU, or for a
// page, than they did before. Pure.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>

#include "policy/model/types.hpp"

namespace vnuma {

// For one guest. The times of its readings must not decrease.
class LatencyGuard {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::nanoseconds;

    // While memory moves, readings come this often at most, and are judged after this time, or as
    // soon as they show more than may be felt in it.
    static constexpr std::chrono::milliseconds reading_interval{100}, window{1000};
    // A guest feels a move if its vCPUs wait longer by more than this in a second, and by more than
    // the configured share of their run time. Then each further window halves the pace.
    static constexpr std::chrono::milliseconds least_felt{20};
    static constexpr int most_slowdown = 8;
    // A move that is felt twice as much, or with the slowest pace, pauses, for twice as long each
    // time. It goes on with this pace.
    static constexpr std::chrono::seconds first_pause{10};
    static constexpr int most_pauses = 3;
    static constexpr int slowdown_after_pause = 2;
    // Without moves a guest waits as long as between those of so many last looks that are worst.
    static constexpr std::size_t looks_remembered = 8;
    // The kernel's average of a minute is what a guest waits for pages without moves, once none of
    // its memory has moved for this time: a tenth of the average is older.
    static constexpr std::chrono::minutes unmoved{2};
    // A guest that neither runs nor waits for a CPU for more than this in a second without moves is
    // idle, and feels nothing until it runs more.
    static constexpr std::chrono::milliseconds idle_time{50};

    // Since the start of its vCPUs, summed over them.
    struct Reading {
        Time time{};
        Duration run{0}, wait{0};  // waits for a CPU
        // Waits for a page, and the share of the last minute that was spent in them; a sum over
        // vCPUs as well. Both are 0 where that is not known, and in readings of looks.
        Duration stalled{0};
        PerMille usually_stalled = 0;
    };

    enum class Pace { full, slower, paused, stays };  // each is worse than those before

    // `felt`: share of the vCPUs' run time, in thousandths.
    explicit LatencyGuard(PerMille felt) : felt_(felt) {}

    // The reading of a look. The guest was without moves since the last look, unless add_moving()
    // was called.
    void add_look(const Reading& reading);

    // Right before or after a call that moves memory of the guest.
    bool is_due(Time now) const { return !begin_ || now >= last_ + reading_interval; }
    void add_moving(const Reading& reading);
    // No call follows for now, so what happens until the next one is not judged.
    void end_moving() { begin_.reset(); }

    // All memory that was to move has moved: the next move begins with full pace.
    void finish();

    Pace pace(Time now) const;
    int slowdown() const { return slowdown_; }  // moves are to be slower by this factor
    int pauses() const { return pauses_; }
    // What the guest feels, and what follows from that; empty with full pace.
    std::string describe(Time now) const;

  private:
    // What was seen of the vCPUs in a stretch of time.
    struct Stretch {
        Duration elapsed{0}, run{0}, wait{0}, stalled{0};

        Duration in_a_second(Duration part) const { return part * 1000 / (elapsed / ms_); }
        static constexpr Duration ms_ = std::chrono::milliseconds(1);
    };

    static std::optional<Stretch> between(const Reading& from, const Reading& to);
    Duration longer_wait(const Stretch& stretch) const;
    Duration felt_wait(const Stretch& stretch) const;
    static bool is_idle(const Stretch& stretch);
    void judge(const Stretch& stretch, Time now);
    void pause(Time now);

    PerMille felt_;
    std::optional<Reading> look_;   // the last one; none if memory has moved since
    std::deque<Duration> waits_;    // in a second without moves, between the last looks
    PerMille usually_stalled_ = 0;  // without moves
    std::optional<Reading> begin_;  // of the window
    Time last_{};                   // of the last reading while memory moved

    bool idle_ = false;  // without moves
    int slowdown_ = 1, pauses_ = 0;
    bool stays_ = false;
    std::optional<Time> paused_until_;
    Stretch worst_;  // the last window that was felt
};

constexpr const char* name(LatencyGuard::Pace pace) {
    constexpr const char* names[]{"full", "slower", "paused", "stays"};
    return names[static_cast<std::size_t>(pace)];
}

}  // namespace vnuma
