#include "src/act/vcpu_times.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

GuestSample guest_with(std::size_t vcpus) {
    GuestSample guest;
    guest.process = std::make_shared<const Process>(std::move(*Process::open(::getpid())));
    guest.cells.resize(2);
    for (std::size_t i = 0; i < vcpus; ++i) {
        VcpuSample& vcpu = guest.cells[i % 2].vcpus.emplace_back();
        vcpu.thread = ::getpid();
        vcpu.run_ns = 1000;
        vcpu.wait_ns = 10;
    }
    return guest;
}

TEST(VcpuTimes, AreSummedOverAllCells) {
    const auto sum = sum_times(guest_with(5), LatencyGuard::Time(7s));
    EXPECT_EQ(sum.time, LatencyGuard::Time(7s));
    EXPECT_EQ(sum.run, 5000ns);
    EXPECT_EQ(sum.wait, 50ns);
}

TEST(VcpuTimes, AreThoseOfABoundedNumber) {
    EXPECT_EQ(sum_times(guest_with(max_watched_vcpus + 10), {}).run, 1000ns * max_watched_vcpus);
}

TEST(VcpuTimes, AreReadFromTheKernelUnlessAVcpuHasEnded) {
    const auto kernel = open_dry_run();
    GuestSample guest = guest_with(2);
    const auto times = read_times(*kernel, guest, {});
    ASSERT_TRUE(times);
    EXPECT_GT(times->run, 1000ns);
    guest.cells[1].vcpus[0].thread = 1;  // a thread of another process
    EXPECT_FALSE(read_times(*kernel, guest, {}));
}

}  // namespace
}  // namespace vnuma
