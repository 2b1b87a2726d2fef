#include "guests/tracking/heat/tracked_memory.hpp"

#include <gtest/gtest.h>

#include "guests/memory/chunk_residency.hpp"

namespace vnuma {
namespace {

TEST(PieceBytes, GrowWithTheMemory) {
    EXPECT_EQ(piece_bytes_for({}, 4), chunk_bytes);
    EXPECT_EQ(piece_bytes_for({{0, 4 * chunk_bytes}}, 4), chunk_bytes);
    EXPECT_EQ(piece_bytes_for({{0, 5 * chunk_bytes}, {1 << 30, 4 * chunk_bytes}}, 4),
              2 * chunk_bytes);
    EXPECT_EQ(piece_bytes_for({{0, 10 * chunk_bytes}}, 4), 4 * chunk_bytes);
}

}  // namespace
}  // namespace vnuma
