// The two-sample filter: who accesses a chunk is believed only when successive rounds agree, as
// numa/core's last_nid did for pages. Pure.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>

namespace vnuma {

// Who accesses a chunk.
struct Accessor {
    enum Kind : std::uint8_t {
        unknown,  // the chunk was seen accessed in fewer than two rounds
        one,      // one vCPU
        several,  // more than one vCPU, in one round or within the last eight
    } kind = unknown;
    int vcpu = -1;  // id of the vCPU, if kind is one

    friend bool operator==(const Accessor&, const Accessor&) = default;
};

inline constexpr int max_vcpu_id = 65'000;

// What the rounds so far say of one chunk. Guests have many chunks, so this is six bytes.
class TwoSampleFilter {
  public:
    // One round saw the chunk accessed by this vCPU, or by several (vcpu < 0).
    void record(int vcpu) {
        assert(vcpu <= max_vcpu_id);
        const std::uint16_t now = vcpu < 0 ? several_vcpus : static_cast<std::uint16_t>(vcpu);
        const bool disagrees = !empty() && (last_ != now || now == several_vcpus);
        disagreements_ = static_cast<std::uint8_t>(disagreements_ << 1 | (disagrees ? 1 : 0));
        previous_ = last_;
        last_ = now;
        rounds_ = static_cast<std::uint8_t>(std::min(rounds_ + 1, rounds_kept + 1));
    }

    bool empty() const { return last_ == no_vcpu; }

    // A huge page faults once in a round, for the vCPU that accesses it first. Two vCPUs that come
    // first at random look like one in eight rounds with a probability of 1 in 256. The accessor
    // has changed, rather than being two vCPUs, if exactly one of the last eight rounds disagreed
    // with the round before it, and none of the last two did: two vCPUs at random look like that
    // with a probability of 6 in 256.
    Accessor accessor() const {
        const bool changed = std::popcount(disagreements_) == 1 && (disagreements_ & 0b11) == 0 &&
                             rounds_ > rounds_kept;
        if (last_ == several_vcpus || (disagreements_ != 0 && !changed))
            return {Accessor::several, -1};
        if (empty() || last_ != previous_) return {};
        return {Accessor::one, last_};
    }

  private:
    static constexpr int rounds_kept = 8;
    // Values of last_ and previous_ that are no vCPU.
    static constexpr std::uint16_t no_vcpu = 0xffff, several_vcpus = 0xfffe;

    // The accessors in the last two rounds that saw the chunk accessed.
    std::uint16_t last_ = no_vcpu, previous_ = no_vcpu;
    // One bit per round, the latest lowest: the round's accessor was not the one before it.
    std::uint8_t disagreements_ = 0;
    std::uint8_t rounds_ = 0;  // that saw the chunk accessed; stops counting at rounds_kept + 1
};

}  // namespace vnuma
