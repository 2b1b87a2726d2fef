// Sizes and times of the command line. What cannot be read is a UsageError that names the option
// and shows what it takes. All but times of day are pure; those use the local time zone.
#pragma once

#include <cstdint>
#include <string>

#include "policy/model/types.hpp"

namespace vnuma::ctl {

// A size of at least one byte.
Bytes read_size(const char* option, const std::string& text);
// A duration of at least one millisecond.
Millis read_duration(const char* option, const std::string& text);
// A time of the past in ms since 1970, given as a duration before `now_ms` or as a time.
std::int64_t read_since(const char* option, const std::string& text, std::int64_t now_ms);

}  // namespace vnuma::ctl
