#include "guests/tracking/attribution/page_counter.hpp"

#include <gtest/gtest.h>

#include "guests/process/process.hpp"
#include "tests/slow_file.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;

class PageCounterTest : public testing::Test {
  protected:
    PageCounterTest() {
        std::string stat = "7 (qemu) S 1";
        for (int field = 0; field < 50; ++field)
            stat += " 0";
        files.write("7/stat", stat);
        process =
            std::make_shared<const Process>(std::move(*Process::open_recorded(files.path("7"))));
    }
    static std::optional<std::uint64_t> wait_for(PageCounter& counter,
                                                 const std::shared_ptr<const Process>& process) {
        for (int i = 0; i < 1000; ++i)
            if (const auto count = counter.count(process, 4096)) return count->pages;
        return std::nullopt;
    }

    const test::TemporaryDirectory files;
    std::shared_ptr<const Process> process;
};

TEST_F(PageCounterTest, ALongCountGoesOnFromCallToCall) {
    PageCounter counter(20ms);
    // Destroyed before the counter, whose thread it lets go.
    const test::SlowFile file(files.path("7/smaps_rollup"));
    EXPECT_FALSE(counter.count(process, 4096));
    EXPECT_FALSE(counter.count(process, 4096));
    file.give("Rss: 20 kB\n");
    EXPECT_EQ(wait_for(counter, process), 5U);
}

TEST_F(PageCounterTest, AResultThatIsTooOldIsNotUsed) {
    files.write("7/smaps_rollup", "Rss: 20 kB\n");
    PageCounter fresh(20ms), old(20ms, -1h);  // as if each had ended an hour ago
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(old.count(process, 4096));
    EXPECT_EQ(wait_for(fresh, process), 5U);
}

}  // namespace
}  // namespace vnuma
