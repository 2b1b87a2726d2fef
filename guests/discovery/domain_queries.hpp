// Queries to libvirt about many domains, some of which may never return. A domain is asked about
// when that is due, not at every look.
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

// What the list of domains tells of one: a virDomainState and its reason. It says nothing of jobs.
struct DomainState {
    int state = 0;
    int reason = 0;

    friend bool operator==(const DomainState&, const DomainState&) = default;
};

struct DomainQuery {
    std::string uuid;
    std::string name;
    // Blocks. It owns all it uses, because it may outlive its caller.
    std::function<DomainReply()> run;
    std::optional<int> id{};  // libvirt's number, which the domain has for as long as it runs
    // None if the list does not tell states. Then the query is due at every look.
    std::optional<DomainState> state{};
};

// Asks about each domain whose query is due, in turn. A query is due unless the last one has found
// that the domain runs without a job, and the list says that it still runs as it did then. It is
// due after mark_due(), and once in libvirt_limits::resync, at a time that depends on the uuid so
// that domains take turns.
//
// A domain whose query hangs is put in quarantine: it is asked about again after a pause, one
// domain in quarantine at a time. What is known about a domain outlives queries that fail. Use from
// one thread.
class DomainQueries {
  public:
    using Time = Backoff::Time;
    using Now = std::function<Time()>;

    explicit DomainQueries(CallsWithTimeout& calls, Now now = std::chrono::steady_clock::now);

    // Returns a guest for each domain that has not ended, in any order, within
    // libvirt_limits::all_queries. `listed_at` is when libvirt was asked for the list. A guest
    // whose query is not due has the state of the list and its last known description. One whose
    // query is due, and fails or is not made, is unsteady and has its last known description, if
    // any. Forgets domains that are not in `queries`.
    std::vector<ListedGuest> run(const std::vector<DomainQuery>& queries, Time listed_at);

    // What is known of the domain, or of all domains, may be wrong by now. The query is due until
    // it succeeds. New domains need no mark.
    void mark_due(const std::string& uuid);
    void mark_all_due();

    // The last known description, or null.
    const Domain* find(const std::string& uuid) const;

    // Why the domain's monitor must not be called now; empty if it may be called.
    std::string why_no_monitor_call(const std::string& uuid) const;

  private:
    struct CachedDomain {
        void keep_description(std::string new_xml);

        Time last_reply;         // until the first reply, the time when it was first listed
        Time answered_until;     // libvirt has left no call about it unanswered before this time
        bool marked_due = true;  // until a query succeeds
        std::optional<Backoff> quarantine{};  // between a query that hung and the next reply
        // As the list had them when the last query was made that succeeded.
        std::optional<int> id{};
        std::optional<DomainState> listed_state{};
        RunState state = RunState::unknown;  // that this query has found
        std::string xml{};
        std::shared_ptr<const Domain> domain{};  // null if the XML cannot be used
        std::string xml_problem{};               // why the XML cannot be used
    };

    struct Listing {
        Time begin;
        Time listed_at;
        bool quarantine_queried = false;  // whether a domain in quarantine was asked about
    };

    std::vector<const DomainQuery*> order(const std::vector<DomainQuery>& queries);
    bool is_due(const DomainQuery& query, const CachedDomain& cached, const Listing& listing) const;
    static ListedGuest remember(const DomainQuery& query, CachedDomain& cached,
                                const Listing& listing);
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
