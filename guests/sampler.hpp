// Reads all guests once: what their source tells, what /proc tells of their processes, and what
// access tracking has found out.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/guest_reader.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/settings.hpp"
#include "guests/process/memory_sharers.hpp"
#include "guests/tracking/access_tracking.hpp"

namespace vnuma {

struct SampleRequest {
    std::set<std::string> urgent{};  // uuids whose residency is read first
    // Of which only what changes all the time has to be read: nothing is to be done to them.
    std::set<std::string> quiet{};
    // Read the residency of all, and who else maps their memory, whatever it takes.
    bool complete = false;
    std::map<std::string, TrackingHint> hints{};  // by uuid; access tracking follows them
    std::set<std::string> acts_on{};              // uuids of guests that vnumad may act on
    // Asked right before access tracking begins anything in the kernel; on the same thread.
    std::function<bool()> may_begin = [] { return true; };
};

// What is remembered of a guest, and its residency, is read again at least so often: the looks of a
// host on which nothing changes are up to a quarter of a minute apart, so that a minute is not
// exceeded. Guests are spread over the time between the two.
inline constexpr std::chrono::seconds soonest_resync{30}, latest_resync{44};
// Pages that somebody has moved between two looks, anywhere on the host, from which on residencies
// are read again.
inline constexpr std::uint64_t moved_pages_noticed = 4096;

class Sampler {
  public:
    // `tracking` may be null: then accesses are not tracked. Both must outlive the sampler.
    Sampler(GuestSource& source, AccessTracking* tracking, SamplerSettings settings);

    // The guests that the source knows, ordered by uuid. Blocks for as long as the source does,
    // which is bounded. Throws SourceError.
    std::vector<ListedGuest> list();

    // Reads the listed guests. The sample is complete when it is returned, and nothing changes it
    // afterwards. A guest that cannot be read is in the sample with the reason. Blocks; for a
    // worker thread, one call at a time, in turn with list(). Throws std::system_error.
    Sample sample(const std::vector<ListedGuest>& listed, const SampleRequest& request);

  private:
    struct KnownCgroup {
        pid_t pid = 0;
        std::string path;
        std::chrono::steady_clock::time_point read_at{};
    };

    GuestSample read(const ListedGuest& guest, bool quiet);
    Depth depth_for(const ListedGuest& guest, const GuestReader& reader, bool quiet) const;
    void set_cgroup(ListedGuest& guest);
    void notice_moved_pages();
    bool is_residency_due(const GuestSample& guest, const SampleRequest& request);
    void renew_pagemap();
    void add_kernel_vhost_threads(Sample& sample);
    void read_residencies(const Sample& sample, const SampleRequest& request);
    void find_memory_sharers(Sample& sample, bool complete);

    GuestSource& source_;
    AccessTracking* tracking_;
    SamplerSettings settings_;
    MovePagesReader move_pages_;
    std::unique_ptr<PagemapReader> pagemap_;           // null unless configured and permitted
    std::string pagemap_problem_;                      // why it is null although it is configured
    std::map<std::string, GuestReader> readers_;       // by uuid
    std::multimap<pid_t, ThreadSample> kernel_vhost_;  // by the process that they serve
    MemorySharers sharers_;
    std::chrono::nanoseconds list_cpu_time_{0};          // of the last list()
    std::chrono::steady_clock::time_point now_{};        // when the present sample began
    std::chrono::steady_clock::time_point host_wide_{};  // when what is the host's was read last
    bool host_wide_due_ = false;                         // in the present sample
    std::map<std::string, KnownCgroup> cgroups_;         // by uuid
    std::optional<std::uint64_t> moved_pages_;           // by anybody, since the host has started
};

}  // namespace vnuma
