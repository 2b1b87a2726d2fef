// Queries to libvirt about many domains, some of which may never return.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guests/discovery/backoff.hpp"
#include "guests/discovery/calls_with_timeout.hpp"
#include "guests/model/domain.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/run_state.hpp"

namespace vnuma {

// What libvirt replies about one domain.
struct DomainReply {
    bool gone = false;  // the domain has ended since it was listed
    std::string error;  // libvirt's message; empty if it has replied
    RunState state = RunState::unknown;
    std::string xml;
};

struct DomainQuery {
    std::string uuid;
    std::string name;
    // Blocks. It owns all it uses, because it may outlive its caller.
    std::function<DomainReply()> run;
};

// Asks about each domain in turn. A domain whose query hangs is put in quarantine: it is asked
// about again after a pause, one domain in quarantine at a time. What is known about a domain
// outlives queries that fail. Use from one thread.
class DomainQueries {
  public:
    using Time = Backoff::Time;
    using Now = std::function<Time()>;

    // A query that takes longer hangs.
    static constexpr std::chrono::milliseconds query_limit{1000};
    // No further query begins when the queries of one list have taken this long, except that of one
    // domain in quarantine. The domains that libvirt answered longest ago come first, so that every
    // domain has its turn.
    static constexpr std::chrono::milliseconds begin_limit{2000};
    static constexpr std::chrono::milliseconds run_limit = begin_limit + 2 * query_limit;
    static constexpr std::chrono::milliseconds first_pause{2'000}, longest_pause{30'000};

    // Numbers of hung calls from which on no further call of a kind is made. libvirtd handles five
    // calls of one connection at a time (CallsWithTimeout::max_at_once). The likelier a call is to
    // hang, the more of the five it leaves to others: two calls are for monitors, a third one for a
    // domain in quarantine, a fourth one for any other domain, and the last one for the list.
    static constexpr std::size_t max_hung_for_monitor = 2, max_hung_in_quarantine = 3,
                                 max_hung_for_query = 4;
    static_assert(max_hung_for_query < CallsWithTimeout::max_at_once);

    explicit DomainQueries(CallsWithTimeout& calls, Now now = std::chrono::steady_clock::now);

    // Returns a guest for each domain that has not ended, in any order, within run_limit. A guest
    // whose query fails or is not made is unsteady and has its last known description, if any.
    // Forgets domains that are not in `queries`.
    std::vector<ListedGuest> run(const std::vector<DomainQuery>& queries);

    // The last known description, or null.
    const Domain* find(const std::string& uuid) const;

    // Why the domain's monitor must not be called now; empty if it may be called.
    std::string why_no_monitor_call(const std::string& uuid) const;

  private:
    struct CachedDomain {
        void keep_description(std::string new_xml);

        Time last_reply;  // until the first reply, the time when it was first listed
        std::optional<Backoff> quarantine{};  // between a query that hung and the next reply
        std::string xml{};
        std::shared_ptr<const Domain> domain{};  // null if the XML cannot be used
        std::string xml_problem{};               // why the XML cannot be used
    };

    struct Listing {
        Time begin;
        bool quarantine_queried = false;  // whether a domain in quarantine was asked about
    };

    std::vector<const DomainQuery*> order(const std::vector<DomainQuery>& queries);
    std::optional<ListedGuest> query(const DomainQuery& query, CachedDomain& cached,
                                     Listing& listing);
    std::string why_no_query(const std::string& uuid, const CachedDomain& cached,
                             const Listing& listing) const;
    std::string no_answer_reason(const CachedDomain& cached) const;

    CallsWithTimeout& calls_;
    Now now_;
    std::map<std::string, CachedDomain> domains_;  // by uuid
};

}  // namespace vnuma
