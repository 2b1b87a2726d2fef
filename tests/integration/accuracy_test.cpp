#include "integration/scenarios/accuracy.hpp"

#include <gtest/gtest.h>

#include "integration/scenarios/tracking_report.hpp"

namespace vnuma::lab {
namespace {

constexpr std::uint64_t chunk = truth_chunk_bytes;

PhysicalRange chunks(std::uint64_t first, std::uint64_t count) {
    return {first * chunk, count * chunk};
}

TEST(Accuracy, RightClaimsHaveFullPrecisionAndRecall) {
    const Accuracy all =
        compare({{0, {chunks(2, 3)}}},
                {{chunks(0, 2), false, -1}, {chunks(2, 3), true, 0}, {chunks(5, 9), false, -1}});
    EXPECT_EQ(all.hot, 3);
    EXPECT_EQ(all.claimed, 3);
    EXPECT_EQ(all.precision(), 1000);
    EXPECT_EQ(all.recall(), 1000);
    EXPECT_EQ(all.attributed(), 1000);
}

TEST(Accuracy, MissingClaimsLowerRecallAndWrongClaimsLowerPrecision) {
    const Accuracy some =
        compare({{0, {chunks(0, 4)}}},
                {{chunks(0, 1), true, 0}, {chunks(1, 3), false, 0}, {chunks(4, 1), true, -1}});
    EXPECT_EQ(some.recall(), 250);
    EXPECT_EQ(some.precision(), 500);
}

TEST(Accuracy, WithoutClaimsThereIsNoPrecisionAndRecallIsZero) {
    const Accuracy none = compare({{0, {chunks(0, 4)}}}, {{chunks(0, 8), false, -1}});
    EXPECT_EQ(none.precision(), -1);
    EXPECT_EQ(none.recall(), 0);
    EXPECT_EQ(none.attributed(), 0);
}

TEST(Accuracy, WhereNothingIsHotThereIsNoRecall) {
    const Accuracy idle = compare({}, {{chunks(0, 1), true, -1}});
    EXPECT_EQ(idle.recall(), -1);
    EXPECT_EQ(idle.precision(), 0);
}

TEST(Accuracy, AChunkIsHotFromAQuarterOn) {
    const PhysicalRange quarter{0, chunk / 4}, less{chunk, chunk / 4 - 4096};
    EXPECT_EQ(compare({{0, {quarter}}}, {{chunks(0, 2), false, -1}}).hot, 1);
    EXPECT_EQ(compare({{0, {less}}}, {{chunks(0, 2), false, -1}}).hot, 0);
    // Small ranges of a chunk are added up. A range that several vCPUs access counts once.
    const PhysicalRange first{0, chunk / 8}, second{chunk / 2, chunk / 8};
    EXPECT_EQ(compare({{0, {first, second}}}, {{chunks(0, 2), false, -1}}).hot, 1);
    EXPECT_EQ(compare({{0, {first}}, {1, {first}}}, {{chunks(0, 2), false, -1}}).hot, 0);
}

TEST(Accuracy, AClaimOfAChunkThatIsHardlyAccessedIsNotWrong) {
    const Accuracy edge = compare({{0, {{chunk - 4096, chunk + 4096}}}}, {{chunks(0, 2), true, 0}});
    EXPECT_EQ(edge.hot, 1);
    EXPECT_EQ(edge.claimed, 2);
    EXPECT_EQ(edge.precision(), 1000);
}

TEST(Accuracy, ChunksAreThoseOfTheClaimsWhereverTheyBegin) {
    // Claimed chunks that begin in the middle of the guest's chunks are one more than these.
    const std::uint64_t shift = chunk / 2;
    const Accuracy shifted =
        compare({{0, {chunks(4, 2)}}}, {{{shift, 3 * chunk}, false, -1},
                                        {{shift + 3 * chunk, 3 * chunk}, true, -1},
                                        {{shift + 6 * chunk, chunk / 2}, false, -1}});
    EXPECT_EQ(shifted.hot, 3);
    EXPECT_EQ(shifted.hot_found, 3);
    EXPECT_EQ(shifted.precision(), 1000);
}

TEST(Accuracy, HotMemoryOutsideAllClaimsIsNotFound) {
    const Accuracy partial = compare({{0, {chunks(0, 4)}}}, {{chunks(1, 1), true, 0}});
    EXPECT_EQ(partial.hot, 4);
    EXPECT_EQ(partial.hot_found, 1);
    EXPECT_EQ(partial.recall(), 250);
    EXPECT_EQ(partial.precision(), 1000);
}

TEST(Accuracy, TheRightAccessorIsTheOneVcpuOrShared) {
    const std::vector<TrueAccesses> truth{{0, {chunks(0, 2)}}, {3, {chunks(1, 2)}}};
    const Accuracy right = compare(
        truth,
        {{chunks(0, 1), true, 0}, {chunks(1, 1), true, accessor_shared}, {chunks(2, 1), true, 3}});
    EXPECT_EQ(right.named_right, 3);
    const Accuracy wrong = compare(truth, {{chunks(0, 1), true, accessor_shared},
                                           {chunks(1, 1), true, 3},
                                           {chunks(2, 1), true, accessor_unknown}});
    EXPECT_EQ(wrong.named, 2);
    EXPECT_EQ(wrong.named_right, 0);
}

TEST(Accuracy, ClaimsInNoBufferAreCountedApart) {
    // Chunk 0 is hot, chunk 1 is a cold part of the buffer, chunk 2 holds its end, and chunk 3 is
    // the guest kernel's.
    const std::vector<PhysicalRange> buffers{{0, 2 * chunk + 4096}};
    const Accuracy some = compare({{0, {chunks(0, 1)}}}, {{chunks(0, 4), true, -1}}, buffers);
    EXPECT_EQ(some.claimed, 4);
    EXPECT_EQ(some.claimed_elsewhere, 1);
    EXPECT_EQ(some.precision(), 250);
    EXPECT_EQ(some.precision_in_buffers(), 333);
    const Accuracy all_known = compare({{0, {chunks(0, 1)}}}, {{chunks(0, 4), true, -1}});
    EXPECT_EQ(all_known.claimed_elsewhere, 0);
}

TEST(Accuracy, TrueRangesMayOverlapAndComeInAnyOrder) {
    const Accuracy all = compare({{0, {chunks(3, 1), chunks(0, 2), chunks(1, 2), {0, 0}}}},
                                 {{chunks(0, 4), true, 0}});
    EXPECT_EQ(all.hot, 4);
    EXPECT_EQ(all.named_right, 4);
}

TEST(TrackingReport, TheMapOfAReportGivesClaims) {
    const auto guest = nlohmann::json::parse(
        R"({"tracking": {"chunks": {"hot_from": 700},
            "map": [[2097152, 4194304, 700, -2, 0], [8388608, 2097152, 699, 1, 1000]]}})");
    const std::vector<Claim> claims = claims_of(guest);
    ASSERT_EQ(claims.size(), 2U);
    EXPECT_EQ(claims[0].memory.start, 2097152U);
    EXPECT_EQ(claims[0].memory.bytes, 4194304U);
    EXPECT_TRUE(claims[0].hot);
    EXPECT_FALSE(claims[1].hot);
    EXPECT_EQ(claims[0].accessor, accessor_shared);
    EXPECT_EQ(claims[1].accessor, 1);
    EXPECT_ANY_THROW(claims_of(nlohmann::json::object()));
    EXPECT_TRUE(claims_of({{"tracking", nlohmann::json::object()}}).empty());
}

TEST(TrackingReport, TheTruthMessageGivesAccessesByVcpuAndBuffers) {
    const auto truth = nlohmann::json::parse(
        R"([{"buffer": "a", "thread": 0, "cpu": 3, "ranges": [[0, 4096], [8192, 4096]]},
            {"buffer": "a", "thread": null, "ranges": [[0, 16384]]}])");
    const std::vector<TrueAccesses> accessed = true_accesses_of(truth);
    ASSERT_EQ(accessed.size(), 1U);
    EXPECT_EQ(accessed[0].vcpu, 3);
    ASSERT_EQ(accessed[0].ranges.size(), 2U);
    EXPECT_EQ(accessed[0].ranges[1].start, 8192U);
    const std::vector<PhysicalRange> buffers = buffers_of(truth);
    ASSERT_EQ(buffers.size(), 1U);
    EXPECT_EQ(buffers[0].bytes, 16384U);
}

}  // namespace
}  // namespace vnuma::lab
