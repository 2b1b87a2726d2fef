// Sizes, durations, shares and times as people write and read them. All but the times of day are
// pure; those use the local time zone (TZ). The parsers return std::nullopt for anything else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/model/types.hpp"

namespace vnuma::ctl {

// "4G", "4GiB", "512 MiB", "1.5g", "4096" (bytes). Units are binary, as virsh's are, with K, M, G
// and T. More than 2^62 bytes is nothing.
std::optional<Bytes> parse_size(std::string_view text);
// "4 GiB", "1.5 GiB", "12 KiB", "7 B". At most four digits; the last one is rounded.
std::string format_size(Bytes bytes);
// A size per second; "-" for none.
std::string format_rate(Bytes bytes_per_second);

// "30s", "500ms", "2h", "1d", "1h30m", "90" (seconds). Units fall from left to right, each once.
std::optional<std::int64_t> parse_duration(std::string_view text);
// The two largest units that are not 0: "3d 4h", "2min 5s", "0s".
std::string format_duration(std::int64_t ms);

// "98 %", from thousandths. 100 % is all of it only, and 0 % none of it.
std::string format_share(PerMille share);
// In CPUs: "3.2".
std::string format_cpus(MilliCpu cpus);

// "2026-12-01 02:13:20"
std::string format_time(std::int64_t ms_since_1970);
// "02:13:20"
std::string format_time_of_day(std::int64_t ms_since_1970);
// A time before `now_ms`, in ms since 1970: a duration before it; or "2026-12-01 02:13:20", with
// the seconds, the time or the date left out ("02:13": today).
std::optional<std::int64_t> parse_since(std::string_view text, std::int64_t now_ms);

}  // namespace vnuma::ctl
