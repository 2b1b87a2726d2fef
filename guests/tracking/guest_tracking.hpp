// What is remembered of the use of one guest's memory, and what runs to find out more of it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "guests/model/access_matrix.hpp"
#include "guests/tracking/attribution/attribution.hpp"
#include "guests/tracking/attribution/fault_rounds.hpp"
#include "guests/tracking/attribution/page_counter.hpp"
#include "guests/tracking/heat/heat_by_node.hpp"
#include "guests/tracking/heat/heat_scans.hpp"

namespace vnuma {

// What the planner's last verdicts mean for tracking.
struct TrackingHint {
    bool wanted = false;       // something may come of knowing what is used
    bool may_disturb = false;  // its policy lets vnumad act on it
    bool attribute = false;    // a guest without vNUMA that spans nodes: who touches what matters
    bool well_placed = false;  // all of it is at home
    bool changed = false;      // a home has just changed
    bool moved = false;        // so has where its memory is
};

class GuestTracking {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit GuestTracking(const TrackingSettings& settings);

    // The guest as it is now. Of another process all is forgotten, of other memory or vCPUs what
    // does not fit any more. `no_counter`: why faults cannot be counted, empty when they can.
    void update(const GuestSample& guest, const TrackingHint& hint, const std::string& no_counter,
                Time now);

    // They share one budget. Two rounds make a sample, so they come first, with the first look
    // beside them: what they take may have to be earned for long. From then on, of a look and a
    // round that are both due, the one that was longer ago.
    bool scan_due(Time now) const {
        const bool sampling = !rounds_.has_two_rounds() && (rounds_.due(now) || rounds_.running());
        if (sampling && scans_.state().scans > 0) return false;
        return hint_.wanted && scans_.due(now) &&
               !(rounds_.due(now) && rounds_.last_attempt() < scans_.last());
    }
    bool scan_over(Time now) const { return scans_.over(now); }
    Time scan_began() const { return scans_.last(); }
    void begin_scan(const std::vector<HeatTracker*>& best, const GuestSample& guest, Time now) {
        scans_.begin(best, guest, settings_.may_disturb && hint_.may_disturb, budget_, now);
    }
    void set_no_tracker(std::string why, Time now) { scans_.set_no_tracker(std::move(why), now); }
    void finish_scan(Time now);
    void abandon_scan() { scans_.abandon(budget_); }

    // Whether its faults are worth counting, and by groups of 2 to the power of what.
    bool counts_faults() const { return hint_.attribute && !physical_.empty(); }
    int shift() const;
    // Kept until the round, or without one round_time, is over: what is seen in that time is
    // one observation. `counted_by` is the shift they were counted by: with another one than it is
    // now, where they were is not known.
    void count(std::span<const CountedFaults> faults, int counted_by, std::uint64_t dropped,
               std::chrono::nanoseconds fault_time);
    void charge(std::chrono::nanoseconds cost) { budget_.charge(cost); }
    void end_observation_if_over(Time now);

    bool round_due(Time now) const {
        return rounds_.due(now) && (!rounds_.has_two_rounds() || !scans_.due(now) ||
                                    scans_.last() >= rounds_.last_attempt());
    }
    Time round_began() const { return rounds_.last_attempt(); }
    // Returns whether it has begun.
    bool begin_round(std::chrono::nanoseconds fault_time, PageCounter& counter, Time now);
    void put_off_round(std::string why, Time now) { rounds_.put_off(std::move(why), now); }

    // Where what is used is has to be read anew after a look or a round, and when memory has moved.
    bool has_moved() const { return stale_ && (scans_.state().scans > 0 || observations_ > 0); }
    void read_where_it_is(PageReader& reader, Time now);

    void fill(TrackingSample& sample, bool with_map) const;

  private:
    void follow_memory(const GuestSample& guest);
    std::string why_no_rounds(const GuestSample& guest, const std::string& no_counter) const;
    std::vector<ChunkUse> chunk_map() const;
    void observe();
    void count_chunks();
    bool may_read_where_it_is(Time now) const;
    // Who touches what shows when it is touched again: in the second round, or, without rounds,
    // some time later. What is done sooner is done by chance, and kept for long.
    bool is_seen_enough() const;

    TrackingSettings settings_;
    TrackingHint hint_;
    std::shared_ptr<const Process> process_;
    std::vector<int> owner_;          // cells of the grid's ranges
    std::uint64_t largest_page_ = 0;  // that its memory is made of, in bytes
    std::map<pid_t, int> vcpu_of_thread_;
    HeatTable table_;
    TrackingBudget budget_;
    HeatScans scans_;
    FaultRounds rounds_;
    GuestPhysicalMap physical_;
    std::vector<CountedFaults> observed_;  // since the observation began
    Time observing_since_{};
    AccessMatrix access_matrix_;
    // That are in it, and how many of these were rounds.
    std::uint64_t observations_ = 0, rounds_observed_ = 0;
    std::uint16_t hot_from_ = 1;
    std::size_t hot_ = 0, agreed_ = 0, shared_ = 0;  // chunks
    std::map<int, BytesByNode> heat_by_cell_;
    std::shared_ptr<const std::vector<RamRange>> hot_ranges_ =
        std::make_shared<const std::vector<RamRange>>();
    OwnedBytes owned_;
    std::shared_ptr<const std::vector<OwnRange>> own_ranges_;
    bool is_told_ = false;  // whose memory is where has been read since enough was seen
    std::uint64_t pass_ = 0;
    Time read_at_{};  // where it is, last, and how long that took
    std::chrono::nanoseconds reading_{0};
    bool stale_ = false, moved_ = false;  // where it is, by whatever; by our own doing
};

}  // namespace vnuma
