#include "integration/guest/access_thread.hpp"

#include <gtest/gtest.h>

#include "integration/guest/page_pattern.hpp"

namespace vnuma::workload {
namespace {

class PagePattern : public ::testing::Test {
  protected:
    Buffer buffer{1};
    volatile char* const page = buffer.bytes();
    volatile char* const next = page + page_bytes;
};

TEST_F(PagePattern, APageIsWhatWasWrittenInItsPass) {
    fill_page(page, 7);
    EXPECT_TRUE(is_filled(page, 7));
    EXPECT_FALSE(is_filled(page, 6)) << "a stale copy";
    EXPECT_FALSE(is_filled(next, 7)) << "a page that was lost";
}

TEST_F(PagePattern, EveryByteCounts) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{1234}, page_bytes - 1}) {
        fill_page(page, 1);
        page[at] = static_cast<char>(page[at] ^ 1);
        EXPECT_FALSE(is_filled(page, 1)) << at;
    }
}

TEST_F(PagePattern, ThePageOfAnotherAddressIsAnother) {
    fill_page(page, 1);
    for (std::size_t i = 0; i < page_bytes; ++i)
        next[i] = page[i];
    EXPECT_FALSE(is_filled(next, 1));
}

class AccessThreadTest : public ::testing::Test {
  protected:
    // Waits until the thread has verified so many more pages.
    void verify(AccessThread& thread, std::uint64_t pages) {
        const std::uint64_t before = thread.take_report().at("verified");
        while (thread.take_report().at("verified") < before + pages)
            std::this_thread::yield();
    }
    static std::uint64_t errors(AccessThread& thread) { return thread.take_report().at("errors"); }

    const std::shared_ptr<Buffer> buffer = std::make_shared<Buffer>(1);
    Pattern pattern{0, "a", buffer, 0, buffer->size(), true, 100};
    const std::uint64_t pages = buffer->size() / page_bytes;
};

TEST_F(AccessThreadTest, MemoryThatNobodyElseTouchesHasNoErrors) {
    pattern.verify = true;
    AccessThread thread(pattern);
    verify(thread, 3 * pages);
    EXPECT_EQ(errors(thread), 0U);
}

TEST_F(AccessThreadTest, APageThatSomebodyElseChangesIsAnErrorThatIsNotForgotten) {
    pattern.verify = true;
    AccessThread thread(pattern);
    verify(thread, pages);
    while (errors(thread) == 0)
        buffer->bytes()[page_bytes + 8] = 1;
    verify(thread, 2 * pages);
    EXPECT_GT(errors(thread), 0U);
}

TEST_F(AccessThreadTest, AThreadThatVerifiesNothingTellsNothingOfIt) {
    AccessThread thread(pattern);
    EXPECT_FALSE(thread.take_report().contains("errors"));
}

}  // namespace
}  // namespace vnuma::workload
