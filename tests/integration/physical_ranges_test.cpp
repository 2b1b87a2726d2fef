#include "integration/guest/physical_ranges.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "integration/guest/buffer.hpp"
#include "tests/zero_page.hpp"

namespace vnuma::workload {
namespace {

using nlohmann::json;

json entry(int thread, int ranges) {
    json of_thread{{"buffer", "a"}, {"thread", thread}, {"cpu", thread}};
    of_thread["ranges"] = json::array();
    for (int i = 0; i < ranges; ++i)
        of_thread["ranges"].push_back({std::uint64_t{1} << 40, 4096 * i});
    return of_thread;
}

TEST(TruthMessages, FewRangesFitOneMessage) {
    const std::vector<json> messages = truth_messages({entry(0, 2), entry(1, 1)});
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0]["truth"], json::array({entry(0, 2), entry(1, 1)}));
    EXPECT_FALSE(messages[0].contains("more"));
}

TEST(TruthMessages, NoEntriesGiveOneEmptyMessage) {
    const std::vector<json> messages = truth_messages({});
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].dump(), R"({"truth":[]})");
}

TEST(TruthMessages, ManyRangesAreDividedIntoMessagesThatFitThePort) {
    std::size_t ranges = 0;
    const std::vector<json> messages = truth_messages({entry(0, 1300), entry(1, 700)});
    for (std::size_t i = 0; i < messages.size(); ++i) {
        EXPECT_LT(messages[i].dump().size(), 32U << 10);
        EXPECT_EQ(messages[i].value("more", false), i + 1 < messages.size());
        for (const json& of_thread : messages[i]["truth"])
            ranges += of_thread["ranges"].size();
    }
    EXPECT_EQ(ranges, 2000U);
    EXPECT_EQ(messages.front()["truth"][0]["thread"], 0);
    EXPECT_EQ(messages.back()["truth"].back()["thread"], 1);
}

TEST(PhysicalRanges, OfMemoryThatWasNeverAccessedAreUnknown) {
    const Buffer buffer(2);
    EXPECT_FALSE(physical_ranges(buffer.bytes(), buffer.size()).has_value());
}

class WrittenBuffer : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "the kernel shows page frame numbers to root only";
        for (std::size_t at = 0; at < buffer.size(); at += page_bytes)
            buffer.bytes()[at] = 1;
    }
    Buffer buffer{4};
};

TEST_F(WrittenBuffer, HasPhysicalRangesOfItsSize) {
    const auto ranges = physical_ranges(buffer.bytes(), buffer.size());
    ASSERT_TRUE(ranges.has_value());
    std::uint64_t bytes = 0;
    for (const PhysicalRange& range : *ranges) {
        EXPECT_NE(range.start, 0U);
        bytes += range.bytes;
    }
    EXPECT_EQ(bytes, buffer.size());
}

TEST_F(WrittenBuffer, IsRequiredSinceABufferThatWasOnlyReadIsAnError) {
    if (!test::kernel_has_zero_page()) GTEST_SKIP() << "this kernel has no zero page";
    const Buffer read_only(4);
    for (std::size_t at = 0; at < read_only.size(); at += page_bytes)
        (void)read_only.bytes()[at];
    EXPECT_THROW(physical_ranges(read_only.bytes(), read_only.size()), std::runtime_error);
}

}  // namespace
}  // namespace vnuma::workload
