// How long libvirt may take to answer, and how many of its answers may be overdue.
#pragma once

#include <chrono>
#include <cstddef>

#include "guests/discovery/calls_with_timeout.hpp"

namespace vnuma::libvirt_limits {

using std::chrono::milliseconds;

inline constexpr milliseconds connect{3000};       // opening the connection
inline constexpr milliseconds list_domains{3000};  // the list of domains, with or without states
inline constexpr milliseconds monitor{1000};       // a call to the monitor of one domain
inline constexpr milliseconds query{1000};         // state and XML of one domain
inline constexpr milliseconds pin{1000};           // reading or setting one pin

// No further query begins when the queries of one list have taken this long, except that of one
// domain in quarantine. The domains that libvirt answered longest ago come first, so that every
// domain has its turn.
inline constexpr milliseconds begin_queries{2000};
inline constexpr milliseconds all_queries = begin_queries + 2 * query;
// The list with all that is known of its domains.
inline constexpr milliseconds list = connect + list_domains + all_queries;

// Longest time between two queries of a domain that runs and of which no change is known: it makes
// up for events that were lost, and for changes of which libvirt sends none. A query that is due
// waits for the next look.
inline constexpr milliseconds resync{60'000};

// Pauses between attempts to connect, and between queries of a domain in quarantine. After a list
// with states that did not return, the lists have no states for such a pause.
inline constexpr milliseconds first_reconnect{1000}, longest_reconnect{30'000};
inline constexpr milliseconds first_quarantine{2'000}, longest_quarantine{30'000};

// Numbers of hung calls from which on no further call of a kind is made. libvirtd handles five
// calls of one connection at a time (CallsWithTimeout::max_at_once). The likelier a call is to
// hang, the more of the five it leaves to others: two calls are for monitors, a third one for a
// domain in quarantine, a fourth one for any other domain or for a list with states, and the last
// one for the list without them, for which libvirtd keeps workers free.
inline constexpr std::size_t max_hung_for_monitor = 2, max_hung_in_quarantine = 3,
                             max_hung_for_query = 4, max_hung_for_states = 4;
static_assert(max_hung_for_query < CallsWithTimeout::max_at_once &&
              max_hung_for_states < CallsWithTimeout::max_at_once);

}  // namespace vnuma::libvirt_limits
