#include "guests/discovery/domain_queries.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "guests/discovery/domain_xml.hpp"
#include "guests/discovery/libvirt_limits.hpp"
#include "guests/discovery/resync.hpp"
#include "guests/discovery/run_state.hpp"

namespace vnuma {

using std::chrono::seconds;

namespace {

RunState state_without_job(const DomainState& listed) {
    return state_of_libvirt(listed.state, listed.reason, 0);
}

// The guest as it is known before its query.
ListedGuest begin_guest(const DomainQuery& query, std::shared_ptr<const Domain> domain) {
    ListedGuest guest;
    guest.uuid = query.uuid;
    guest.name = query.name;
    guest.id = query.id;
    guest.domain = std::move(domain);
    guest.job_known = false;
    return guest;
}

}  // namespace

DomainQueries::DomainQueries(CallsWithTimeout& calls, Now now)
    : calls_(calls), now_(std::move(now)) {}

std::vector<ListedGuest> DomainQueries::run(const std::vector<DomainQuery>& queries,
                                            Time listed_at) {
    Listing listing{now_(), listed_at};
    std::vector<ListedGuest> guests;
    for (const DomainQuery* next : order(queries)) {
        CachedDomain& cached = domains_.at(next->uuid);
        auto guest = is_due(*next, cached, listing) ? query(*next, cached, listing)
                                                    : remember(*next, cached, listing);
        if (guest) guests.push_back(std::move(*guest));
    }
    return guests;
}

void DomainQueries::mark_due(const std::string& uuid) {
    const auto cached = domains_.find(uuid);
    if (cached != domains_.end()) cached->second.marked_due = true;
}

void DomainQueries::mark_all_due() {
    for (auto& [uuid, cached] : domains_)
        cached.marked_due = true;
}

// Domains in quarantine come last, so that waiting for them takes no time from the others.
std::vector<const DomainQuery*> DomainQueries::order(const std::vector<DomainQuery>& queries) {
    std::set<std::string> listed;
    std::vector<const DomainQuery*> order;
    for (const DomainQuery& query : queries) {
        if (!listed.insert(query.uuid).second) continue;
        domains_.try_emplace(query.uuid, CachedDomain{now_(), now_()});
        order.push_back(&query);
    }
    std::erase_if(domains_, [&](const auto& entry) { return !listed.contains(entry.first); });
    const auto rank = [&](const DomainQuery* query) {
        const CachedDomain& cached = domains_.at(query->uuid);
        return std::tuple(cached.quarantine.has_value(), cached.last_reply);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](const DomainQuery* a, const DomainQuery* b) { return rank(a) < rank(b); });
    return order;
}

bool DomainQueries::is_due(const DomainQuery& query, const CachedDomain& cached,
                           const Listing& listing) const {
    if (cached.marked_due || cached.quarantine || calls_.hangs(query.uuid)) return true;
    // A domain that has the same uuid and another number was started anew. Another reason for the
    // same state tells of two changes since the last query.
    if (!query.state || query.state != cached.listed_state || query.id != cached.id) return true;
    // The end of a job, and what a pause is for, are not in the list.
    if (cached.state != RunState::running || state_without_job(*query.state) != RunState::running)
        return true;
    return resync_interval(query.uuid, listing.begin, libvirt_limits::resync) !=
           resync_interval(query.uuid, cached.last_reply, libvirt_limits::resync);
}

// The guest of a domain whose query is not due.
ListedGuest DomainQueries::remember(const DomainQuery& query, CachedDomain& cached,
                                    const Listing& listing) {
    ListedGuest guest = begin_guest(query, cached.domain);
    cached.answered_until = listing.listed_at;
    guest.read_at = listing.listed_at;
    guest.state = state_without_job(*query.state);
    guest.unsteady = why_unsteady(guest.state);
    if (guest.unsteady.empty()) guest.unsteady = cached.xml_problem;
    return guest;
}

// Returns nothing if the domain has ended.
std::optional<ListedGuest> DomainQueries::query(const DomainQuery& query, CachedDomain& cached,
                                                Listing& listing) {
    ListedGuest guest = begin_guest(query, cached.domain);
    guest.unsteady = why_no_query(query.uuid, cached, listing);
    if (!guest.unsteady.empty()) return guest;
    if (cached.quarantine) listing.quarantine_queried = true;
    guest.read_at = now_();
    auto reply = calls_.run(query.uuid, query.run, libvirt_limits::query);
    if (!reply) {
        if (!cached.quarantine)
            cached.quarantine.emplace(libvirt_limits::first_quarantine,
                                      libvirt_limits::longest_quarantine);
        cached.quarantine->fail(now_());
        guest.unsteady = no_answer_reason(cached);
        return guest;
    }
    cached.last_reply = cached.answered_until = now_();
    cached.quarantine.reset();
    cached.marked_due = true;
    if (reply->gone) return std::nullopt;
    if (!reply->error.empty()) {
        guest.unsteady = std::move(reply->error);
        return guest;
    }
    cached.keep_description(std::move(reply->xml));
    cached.marked_due = false;
    cached.id = query.id;
    cached.listed_state = query.state;
    cached.state = guest.state = reply->state;
    guest.job_known = true;
    guest.unsteady = why_unsteady(guest.state);
    guest.domain = cached.domain;
    if (guest.unsteady.empty()) guest.unsteady = cached.xml_problem;
    return guest;
}

std::string DomainQueries::why_no_query(const std::string& uuid, const CachedDomain& cached,
                                        const Listing& listing) const {
    if (calls_.hangs(uuid)) return no_answer_reason(cached);
    const std::size_t hung = calls_.hung();
    if (cached.quarantine &&
        (listing.quarantine_queried || hung >= libvirt_limits::max_hung_in_quarantine ||
         !cached.quarantine->is_due(now_())))
        return no_answer_reason(cached);
    if (hung >= libvirt_limits::max_hung_for_query)
        return "libvirt is not asked about it while " + std::to_string(hung) +
               " calls for other domains do not return";
    // The one in quarantine that is due is asked about even if the others have taken all the time:
    // otherwise it would never be seen to have recovered.
    if (!cached.quarantine && now_() - listing.begin >= libvirt_limits::begin_queries)
        return "libvirt was not asked about it, because other domains took more than " +
               std::to_string(libvirt_limits::begin_queries.count()) + " ms";
    return "";
}

std::string DomainQueries::no_answer_reason(const CachedDomain& cached) const {
    const auto length = std::chrono::duration_cast<seconds>(now_() - cached.answered_until);
    return "libvirt has not answered for this domain for " + std::to_string(length.count()) + " s";
}

// `domain` stays the same object while the XML is the same.
void DomainQueries::CachedDomain::keep_description(std::string new_xml) {
    if (xml == new_xml && !xml.empty()) return;
    std::string error;
    auto parsed = parse_domain(new_xml, error);
    xml_problem = parsed ? "" : "its domain XML cannot be used: " + error;
    domain = parsed ? std::make_shared<const Domain>(std::move(*parsed)) : nullptr;
    xml = std::move(new_xml);
}

const Domain* DomainQueries::find(const std::string& uuid) const {
    const auto cached = domains_.find(uuid);
    return cached == domains_.end() ? nullptr : cached->second.domain.get();
}

std::string DomainQueries::why_no_monitor_call(const std::string& uuid) const {
    const auto cached = domains_.find(uuid);
    if (cached != domains_.end() && (calls_.hangs(uuid) || cached->second.quarantine))
        return no_answer_reason(cached->second);
    if (const std::size_t hung = calls_.hung(); hung >= libvirt_limits::max_hung_for_monitor)
        return "its monitor is not asked while " + std::to_string(hung) +
               " calls for other domains do not return";
    return "";
}

}  // namespace vnuma
