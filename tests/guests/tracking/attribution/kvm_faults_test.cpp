// The fault counter on a real KVM, with a guest all of whose accesses are known.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <thread>
#include <tuple>

#include "guests/tracking/attribution/fault_counter.hpp"
#include "tests/guests/tracking/attribution/tiny_vm.hpp"

namespace vnuma {
namespace {

constexpr int shift = 16;
constexpr int first_id = 0, second_id = 5;  // ids may skip numbers, as APIC ids do
constexpr std::uint32_t first_code = 0x1000, second_code = 0x2000;
// KVM may map up to seven neighbours of a page with it, in the same aligned eight pages.
constexpr std::uint32_t stride = 0x8000;
constexpr Accesses writes{0x20000, 8, stride, true};  // buckets 2 to 5
constexpr Accesses reads{0x80000, 4, stride, false};  // buckets 8 and 9

// Number of faults by vCPU, bucket and write.
using Truth = std::map<std::tuple<int, std::uint64_t, bool>, std::uint64_t>;

Truth truth_of(const FaultCounts& counts) {
    Truth truth;
    for (const CountedFaults& faults : counts.faults)
        truth[{faults.vcpu, faults.bucket, faults.write}] += faults.count;
    return truth;
}

// Bucket 0 holds the vCPUs' programs, which are read.
const Truth first_truth = {{{first_id, 0, false}, 1},
                           {{first_id, 2, true}, 2},
                           {{first_id, 3, true}, 2},
                           {{first_id, 4, true}, 2},
                           {{first_id, 5, true}, 2}};
const Truth both_truth = [] {
    Truth both = first_truth;
    both.insert(
        {{{second_id, 0, false}, 1}, {{second_id, 8, false}, 2}, {{second_id, 9, false}, 2}});
    return both;
}();

// Takes down KVM's mappings of this process, as a round does.
bool unmap() {
    std::ofstream file("/proc/self/clear_refs");
    return static_cast<bool>(file << "4" << std::flush);
}

class KvmFaults : public testing::Test {
  protected:
    void SetUp() override {
        std::string why_not = TinyVm::why_not();
        if (why_not.empty()) counter = load_fault_counter(why_not);
        // In the lab nothing may be missing.
        if (!why_not.empty() && std::getenv("VNUMA_MUST_COUNT_FAULTS")) FAIL() << why_not;
        if (!why_not.empty()) GTEST_SKIP() << why_not;
        vm = std::make_unique<TinyVm>();
        first = std::make_unique<TinyVcpu>(*vm, first_id, first_code, writes);
        second = std::make_unique<TinyVcpu>(*vm, second_id, second_code, reads);
    }

    // Runs one after the other: vCPUs that run at once may have to repeat a fault.
    void run_both() {
        std::thread([this] { first->run(); }).join();
        std::thread([this] { second->run(); }).join();
    }

    std::unique_ptr<FaultCounter> counter;
    std::unique_ptr<TinyVm> vm;
    std::unique_ptr<TinyVcpu> first, second;
    const pid_t self = ::getpid();
};

TEST_F(KvmFaults, AreCountedByVcpuBucketAndWrite) {
    ASSERT_TRUE(counter->watch(self, shift));
    run_both();
    const FaultCounts counts = counter->take();
    EXPECT_EQ(truth_of(counts), both_truth);
    EXPECT_EQ(counts.dropped, 0U);
    EXPECT_EQ(counts.fault_time, std::nullopt);
    std::map<int, pid_t> threads;
    for (const CountedFaults& faults : counts.faults) {
        EXPECT_EQ(faults.process, self);
        EXPECT_NE(faults.thread, self);
        EXPECT_EQ(threads.try_emplace(faults.vcpu, faults.thread).first->second, faults.thread);
    }
    EXPECT_NE(threads[first_id], threads[second_id]);
}

TEST_F(KvmFaults, ComeAgainOnceMappingsAreTakenDown) {
    ASSERT_TRUE(counter->watch(self, shift));
    run_both();
    counter->take();
    run_both();
    EXPECT_EQ(truth_of(counter->take()), Truth{}) << "all pages are mapped";
    ASSERT_TRUE(unmap());
    run_both();
    EXPECT_EQ(truth_of(counter->take()), both_truth);
    EXPECT_EQ(truth_of(counter->take()), Truth{}) << "they were taken";
}

TEST_F(KvmFaults, AddUpUntilTheyAreTaken) {
    ASSERT_TRUE(counter->watch(self, shift));
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(unmap());
        run_both();
    }
    Truth three_times = both_truth;
    for (auto& [kind, count] : three_times)
        count *= 3;
    // Entries are by thread, so each round has made new ones.
    EXPECT_EQ(truth_of(counter->take()), three_times);
}

TEST_F(KvmFaults, OfAProcessThatIsNotWatchedAreNotCounted) {
    run_both();
    EXPECT_EQ(truth_of(counter->take()), Truth{});
}

TEST_F(KvmFaults, AreForgottenWithTheirProcess) {
    ASSERT_TRUE(counter->watch(self, shift));
    run_both();
    counter->unwatch(self);
    EXPECT_EQ(truth_of(counter->take()), Truth{});
    ASSERT_TRUE(unmap());
    run_both();
    EXPECT_EQ(truth_of(counter->take()), Truth{}) << "no new ones are counted";
}

TEST_F(KvmFaults, OfAnEarlierWatchAreNotMixedWithTheNext) {
    ASSERT_TRUE(counter->watch(self, shift));
    std::thread([this] {
        second->run();
        counter->unwatch(self);
        ASSERT_TRUE(counter->watch(self, shift));
        ASSERT_TRUE(unmap());
        second->run();
    }).join();
    std::thread([this] { first->run(); }).join();
    EXPECT_EQ(truth_of(counter->take()), both_truth);
    ASSERT_TRUE(unmap());
    run_both();
    ASSERT_TRUE(counter->watch(self, 20));
    EXPECT_EQ(truth_of(counter->take()), Truth{}) << "the buckets have another size";
}

TEST_F(KvmFaults, GiveTheTimeOfOneFaultOnceThereWereMany) {
    ASSERT_TRUE(counter->watch(self, shift));
    std::thread([this] {
        for (int round = 0; round < 150; ++round) {
            ASSERT_TRUE(unmap());
            first->run();
        }
    }).join();
    const FaultCounts counts = counter->take();
    ASSERT_TRUE(counts.fault_time);
    EXPECT_GT(*counts.fault_time, std::chrono::nanoseconds(100));
    EXPECT_LT(*counts.fault_time, std::chrono::milliseconds(10));
    std::cout << "one fault takes " << counts.fault_time->count() << " ns\n";
    EXPECT_TRUE(counter->take().fault_time) << "the time is still known";
}

// While mappings are taken down, which takes longer in larger processes, KVM has vCPUs repeat their
// faults.
TEST_F(KvmFaults, ThatKvmHasRepeatedCountOnce) {
    constexpr std::size_t more_bytes = 256 << 20;
    constexpr std::uint64_t rounds = 5;
    first.reset();
    vm = std::make_unique<TinyVm>(more_bytes);
    first = std::make_unique<TinyVcpu>(*vm, first_id, first_code, writes);
    ASSERT_TRUE(counter->watch(self, shift));
    std::atomic<bool> stop = false;
    std::thread vcpu([&] {
        while (!stop)
            first->run();
    });
    for (std::uint64_t round = 0; round < rounds; ++round)
        EXPECT_TRUE(unmap());
    stop = true;
    vcpu.join();
    std::uint64_t sum = 0;
    for (const CountedFaults& faults : counter->take().faults)
        sum += faults.count;
    // Nine pages fault at the beginning, once in each round, and once more where two rounds
    // overlap.
    EXPECT_GT(sum, 0U);
    EXPECT_LE(sum, 9 * (2 * rounds + 1));
}

// Entries are by thread, so that many threads fill the map.
TEST_F(KvmFaults, ThatFindNoRoomCountAsDropped) {
    constexpr int pages = 24;
    constexpr std::uint64_t kinds_of_one = 8 * 2 * pages + 1;  // and the page of the program
    constexpr std::uint64_t threads = max_fault_kinds / kinds_of_one + 2;
    // Reads, then writes all pages from 0x20000 on, far enough apart in each run.
    const auto access_all = [&] {
        for (std::uint32_t run = 0; run < 16; ++run) {
            first->load({0x20000 + run % 8 * 0x1000, pages, stride, run >= 8});
            ASSERT_TRUE(unmap());
            first->run();
        }
    };
    ASSERT_TRUE(counter->watch(self, 12));
    for (std::uint64_t i = 0; i < threads; ++i)
        std::thread(access_all).join();
    FaultCounts counts = counter->take();
    EXPECT_EQ(counts.faults.size(), max_fault_kinds);
    EXPECT_GT(counts.dropped, 0U);

    std::thread(access_all).join();
    counts = counter->take();
    EXPECT_EQ(counts.faults.size(), kinds_of_one) << "there is room again";
    EXPECT_EQ(counts.dropped, 0U);
}

TEST_F(KvmFaults, AreCountedForALimitedNumberOfProcesses) {
    const auto process = [](std::uint32_t i) { return static_cast<pid_t>(1'000'000 + i); };
    for (std::uint32_t i = 0; i < max_watched_guests; ++i)
        ASSERT_TRUE(counter->watch(process(i), shift));
    EXPECT_FALSE(counter->watch(self, shift));
    EXPECT_TRUE(counter->watch(process(3), shift + 1)) << "it is watched already";
    counter->unwatch(process(0));
    EXPECT_TRUE(counter->watch(self, shift));
    run_both();
    EXPECT_EQ(truth_of(counter->take()), both_truth);
}

}  // namespace
}  // namespace vnuma
