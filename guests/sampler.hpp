// One look at all guests: the source's list, joined with what /proc says of each process.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "guests/discovery/guest_source.hpp"
#include "guests/guest_reader.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/settings.hpp"

namespace vnuma {

class Sampler {
  public:
    Sampler(std::unique_ptr<GuestSource> source, SamplerSettings settings);

    // Blocks for the time of some calls and /proc reads; for a worker thread, one at a time. A
    // guest that cannot be read is in the sample and says why. The residency of `urgent` guests
    // (uuids) is read first; `complete` reads that of all, whatever it takes. Throws SourceError.
    Sample sample(const std::set<std::string>& urgent, bool complete);

    GuestSource& source() { return *source_; }

    // Calls that nobody waits for any more and that have not returned: see Source.
    std::size_t hung_calls() const { return source_->hung_calls(); }

  private:
    GuestSample read(const ListedGuest& guest);
    void renew_pagemap();
    void add_kernel_vhost_threads(Sample& sample);
    void read_residencies(const Sample& sample, const std::set<std::string>& urgent, bool complete);

    std::unique_ptr<GuestSource> source_;
    SamplerSettings settings_;
    MovePagesReader move_pages_;
    std::unique_ptr<PagemapReader> pagemap_;           // where it was asked for, and is possible
    std::map<std::string, GuestReader> readers_;       // by uuid
    std::multimap<pid_t, ThreadSample> kernel_vhost_;  // by the process they serve
    std::uint64_t looks_ = 0;
};

}  // namespace vnuma
