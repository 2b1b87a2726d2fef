#include "guests/memory/page_nodes.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <random>
#include <system_error>

#include "guests/memory/chunk_residency.hpp"
#include "guests/process/process.hpp"
#include "tests/guests/memory/test_memory.hpp"
#include "tests/zero_page.hpp"

namespace vnuma {
namespace {

TEST(NodesOfEntries, AreThoseOfALookupForEachPage) {
    std::string why;
    const auto table = PageFrameTable::make(
        {{1, 1000, 0}, {1001, 3000, 1}, {5000, 70000, 2}, {100000, 64, 3}}, why);
    ASSERT_TRUE(table);
    std::mt19937_64 random(11);
    for (int round = 0; round < 300; ++round) {
        std::vector<std::uint64_t> entries(1 + random() % 300);
        const std::uint64_t from = random() % 110000, spread = 1 + random() % 3000;
        const bool run = random() % 2 == 0, holes = random() % 3 == 0;
        for (std::size_t i = 0; i < entries.size(); ++i) {
            entries[i] = (run ? from + i : from + random() % spread) | (random() % 8) << 55;
            if (!holes || random() % 8 != 0) entries[i] |= pagemap_present;
        }
        std::vector<int> nodes(entries.size());
        nodes_of_entries(*table, entries, nodes);
        for (std::size_t i = 0; i < entries.size(); ++i)
            ASSERT_EQ(nodes[i], (entries[i] & pagemap_present) != 0
                                    ? table->node_of(entries[i] & pagemap_pfn)
                                    : -1);
    }
}

TEST(MakePagemapReader, ReturnsAReaderOrTheReason) {
    std::string why = "a reason from before";
    const auto reader = make_pagemap_reader(why);
    EXPECT_EQ(reader != nullptr, why.empty()) << why;
}

// Runs a check in a child process that has no capabilities, and returns what it returned.
int run_unprivileged(const std::function<int()>& check) {
    const pid_t child = ::fork();
    if (child == 0) _exit(::setresuid(65534, 65534, 65534) == 0 ? check() : -1);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

TEST(MakePagemapReader, NeedsPageFrameNumbers) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can drop its capabilities";
    EXPECT_EQ(run_unprivileged([] {
                  std::string why;
                  return !make_pagemap_reader(why) && !why.empty() ? 0 : 1;
              }),
              0);
}

TEST(QueryPageNodes, GivesTheNodeOfPagesInMemoryAndAnErrorForOthers) {
    TestMemory memory(chunk_bytes, MADV_NOHUGEPAGE);
    memory.write(1, 1);
    std::vector<void*> addresses{memory.at(0), memory.at(1)};
    std::vector<int> nodes(2, -99);
    EXPECT_FALSE(query_page_nodes(::getpid(), addresses, nodes));
    const std::vector<int> known = nodes_with_memory();
    EXPECT_TRUE(nodes[0] < 0 && nodes[0] != -99) << nodes[0];
    EXPECT_NE(std::find(known.begin(), known.end(), nodes[1]), known.end()) << nodes[1];
}

TEST(QueryPageNodes, ReturnsWhyTheKernelRefuses) {
    const pid_t child = ::fork();
    if (child == 0) _exit(0);
    ::waitpid(child, nullptr, 0);
    std::vector<void*> addresses(1);
    std::vector<int> nodes(1);
    EXPECT_EQ(query_page_nodes(child, addresses, nodes), std::errc::no_such_process);
}

TEST(MovePagesReader, AnAddressThatIsNotMappedIsNoPage) {
    const auto self = Process::open(::getpid());
    MovePagesReader reader;
    std::vector<int> nodes(1);
    const TestMemory memory(chunk_bytes, MADV_NOHUGEPAGE);
    EXPECT_NO_THROW(reader.read_nodes(*self, ~std::uint64_t{0} - 4095, 4096, nodes));
    EXPECT_LT(nodes[0], 0);
}

// Tests of both readers, as far as this process may use them.
class Readers : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        if (!GetParam()) {
            reader = std::make_unique<MovePagesReader>();
            return;
        }
        std::string why;
        reader = make_pagemap_reader(why);
        if (!reader) GTEST_SKIP() << why;
    }
    std::vector<int> read(const TestMemory& memory, std::uint64_t stride, std::size_t count) {
        std::vector<int> nodes(count, -99);
        const PagesRead read = reader->read_nodes(*self, memory.address(), stride, nodes);
        EXPECT_FALSE(read.gone);
        EXPECT_GE(read.calls, 1U);
        return nodes;
    }
    std::unique_ptr<PageReader> reader;
    std::optional<Process> self = Process::open(::getpid());
};

INSTANTIATE_TEST_SUITE_P(Pages, Readers, testing::Bool(), [](const auto& info) {
    return info.param ? std::string("Pagemap") : std::string("MovePages");
});

TEST_P(Readers, FindWrittenPagesAndNoOthers) {
    TestMemory memory(2 * chunk_bytes, MADV_NOHUGEPAGE);
    memory.write(3, 100);
    const std::vector<int> known = nodes_with_memory();
    const std::vector<int> nodes = read(memory, small_page_bytes, 1024);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (i < 3 || i >= 103)
            ASSERT_LT(nodes[i], 0) << i;
        else
            ASSERT_NE(std::find(known.begin(), known.end(), nodes[i]), known.end()) << i;
    }
}

TEST_P(Readers, KeepToTheStride) {
    TestMemory memory(4 * chunk_bytes, MADV_NOHUGEPAGE);
    memory.write(512, 1);
    memory.write(3 * 512, 1);
    const std::vector<int> nodes = read(memory, chunk_bytes, 4);
    EXPECT_LT(nodes[0], 0);
    EXPECT_GE(nodes[1], 0);
    EXPECT_LT(nodes[2], 0);
    EXPECT_GE(nodes[3], 0);
}

TEST_P(Readers, APageThatWasReadButNeverWrittenIsOnNoNode) {
    if (!test::kernel_has_zero_page()) GTEST_SKIP() << "this kernel has no zero page";
    for (const int advice : {MADV_NOHUGEPAGE, MADV_HUGEPAGE}) {
        TestMemory memory(chunk_bytes, advice);
        EXPECT_EQ(*static_cast<volatile char*>(memory.at(5)), 0);
        EXPECT_LT(read(memory, small_page_bytes, 512)[5], 0);
    }
}

TEST_P(Readers, AProcessThatHasEndedIsAValue) {
    TestMemory memory(chunk_bytes, MADV_NOHUGEPAGE);
    memory.write(0, 512);
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        _exit(0);
    }
    const auto process = Process::open(child);
    ASSERT_TRUE(process);
    std::vector<int> nodes(512);
    EXPECT_FALSE(reader->read_nodes(*process, memory.address(), 4096, nodes).gone);
    EXPECT_EQ(std::count_if(nodes.begin(), nodes.end(), [](int node) { return node >= 0; }), 512);
    ::kill(child, SIGKILL);
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
    EXPECT_TRUE(reader->read_nodes(*process, memory.address(), 4096, nodes).gone) << "a zombie";
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(reader->read_nodes(*process, memory.address(), 4096, nodes).gone);
    EXPECT_EQ(read(memory, 4096, 512).size(), 512U) << "the next process can be read";
}

// Reads memory of the parent process. Returns the errno of the refusal, 0 if there is none.
int read_parent(PageReader& reader, const TestMemory& memory) {
    const auto parent = Process::open(::getppid());
    std::vector<int> nodes(1);
    try {
        reader.read_nodes(parent.value(), memory.address(), 4096, nodes);
    } catch (const std::system_error& error) {
        return error.code().value();
    }
    return 0;
}

TEST_P(Readers, ThrowWhatTheKernelRefuses) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can drop its capabilities";
    const TestMemory memory(chunk_bytes, MADV_NOHUGEPAGE);
    EXPECT_EQ(run_unprivileged([&] { return read_parent(*reader, memory); }),
              GetParam() ? EACCES : EPERM);
}

// The lab suite runs this test on a host of two nodes as well.
TEST(PageReaders, AgreeOnEveryPageOfEveryNode) {
    std::string why;
    const auto pagemap = make_pagemap_reader(why);
    if (!pagemap) GTEST_SKIP() << why;
    MovePagesReader move_pages;
    const auto self = Process::open(::getpid());
    ASSERT_FALSE(nodes_with_memory().empty());
    for (const int node : nodes_with_memory()) {
        for (const int advice : {MADV_NOHUGEPAGE, MADV_HUGEPAGE}) {
            TestMemory memory(8 * chunk_bytes, advice);
            ASSERT_TRUE(memory.bind(node));
            memory.write(0, 1000);
            memory.write(2048, 2048);
            std::vector<int> by_pagemap(4096), by_move_pages(4096);
            pagemap->read_nodes(*self, memory.address(), 4096, by_pagemap);
            move_pages.read_nodes(*self, memory.address(), 4096, by_move_pages);
            for (std::size_t i = 0; i < 4096; ++i)
                ASSERT_TRUE(by_pagemap[i] == by_move_pages[i] ||
                            (by_pagemap[i] < 0 && by_move_pages[i] < 0))
                    << i << ": " << by_pagemap[i] << " and " << by_move_pages[i];
            EXPECT_GE(std::count(by_pagemap.begin(), by_pagemap.end(), node), 3048);
            EXPECT_TRUE(std::all_of(by_pagemap.begin(), by_pagemap.end(),
                                    [&](int found) { return found < 0 || found == node; }));
        }
    }
}

}  // namespace
}  // namespace vnuma
