// How many random cases a property test tries.
#pragma once

#include <cstdlib>

namespace vnuma::test {

// `usual` in the suite `unit`, which should take seconds; `many` in the suite `long`, which sets
// VNUMA_MANY_CASES.
inline unsigned cases(unsigned usual, unsigned many) {
    return std::getenv("VNUMA_MANY_CASES") ? many : usual;
}

}  // namespace vnuma::test
