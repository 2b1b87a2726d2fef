// What the loop reads: the host, and its guests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "guests/sampler.hpp"
#include "src/config/config.hpp"
#include "src/observe/host.hpp"
#include "src/observe/rivals.hpp"

namespace vnuma {

// Calls block. The loop makes them on a worker thread, one at a time.
class Observer {
  public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer() = default;

    // See Sampler. Throw SourceError and std::system_error: then nothing can be seen.
    virtual std::vector<ListedGuest> list() = 0;
    virtual Sample sample(const std::vector<ListedGuest>& listed, const SampleRequest& request) = 0;

    // See GuestSource.
    virtual std::string why_incomplete() = 0;

    // Why the guest must be left alone, as its source says now; empty if it may be acted on.
    virtual std::string why_unsteady(const std::string& uuid) = 0;

    // See follow_host() and read_host_state(). Throw HostError.
    virtual Host follow(const Host& before) = 0;
    virtual HostReading read(const Host& host) = 0;

    // See RivalReader.
    virtual RivalReading read_rivals(const std::vector<ListedGuest>& listed) = 0;

    // Calls that nobody waits for any more and that have not returned: while there are any, the
    // observer cannot be destroyed without waiting for them.
    virtual std::size_t hung_calls() const = 0;

    // Ends what access tracking has begun in the kernel. The last call.
    virtual void end() = 0;
};

// The source of guests that the configuration names, or /proc where mode observe must not ask it.
std::unique_ptr<GuestSource> make_source(const Config& config);

// This host. `track`: whether accesses are tracked; the trackers take away at once what those of a
// vnumad that was killed have left in the kernel. Blocks.
std::unique_ptr<Observer> observe_host(const Config& config, std::unique_ptr<GuestSource> source,
                                       bool track);

}  // namespace vnuma
