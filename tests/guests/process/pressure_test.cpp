#include "guests/process/pressure.hpp"

#include <gtest/gtest.h>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;

TEST(Pressure, IsTheTimeInWhichSomeTaskCouldNotGoOn) {
    const auto pressure = parse_pressure(
        "some avg10=12.34 avg60=1.00 avg300=0.10 total=99\nfull avg10=1.0 avg60=0 total=7\n");
    ASSERT_TRUE(pressure);
    EXPECT_EQ(pressure->last_10_s, 123);
    EXPECT_EQ(pressure->last_minute, 10);
    EXPECT_EQ(pressure->total, 99us);
    EXPECT_EQ(parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")->last_10_s, 0);
}

TEST(Pressure, WhatViolatesTheFormatIsNone) {
    for (const char* text :
         {"", "some", "some avg10=", "some avg10=-1.00 avg60=1.00 avg300=0.10 total=9\n",
          "some avg10=nan avg60=1.00 avg300=0.10 total=9\n",
          "some avg10=1e9 avg60=1.00 avg300=0.10 total=9\n",
          "some avg10=1.00 avg60=101.00 avg300=0.10 total=9\n",
          "some avg10=1.00 avg60=1.00 avg300=0.10 total=-9\n",
          "some avg10=1.00 avg60=1.00 avg300=0.10 total=9", "some avg10=1.00 total=9\n",
          "full avg10=1.00 avg60=1.00 avg300=0.10 total=9\n"})
        EXPECT_FALSE(parse_pressure(text)) << text;
}

class StallsTest : public ::testing::Test {
  protected:
    StallsTest() {
        std::string stat = "7 (qemu) S";
        for (int field = 4; field <= 52; ++field)
            stat += " 0";
        files.write("7/stat", stat);
        files.write("7/task/8/cgroup", "0::/machine.slice/machine-qemu.scope/libvirt/vcpu0\n");
        write("io.pressure", 30'000);
        write("memory.pressure", 12'000);
    }
    void write(const std::string& file, int total) const {
        files.write("cgroup/machine.slice/machine-qemu.scope/libvirt/vcpu0/" + file,
                    "some avg10=2.00 avg60=1.00 avg300=0.10 total=" + std::to_string(total) +
                        "\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    }
    std::optional<Pressure> read() const {
        return read_stalls(*Process::open_recorded(files.path("7")), 8, files.path("cgroup"));
    }

    const test::TemporaryDirectory files;
};

TEST_F(StallsTest, OfAVcpuAreThoseOfItsOwnCgroup) {
    const auto stalls = read();
    ASSERT_TRUE(stalls);
    EXPECT_EQ(stalls->total, 42ms);
    EXPECT_EQ(stalls->last_minute, 20);
}

TEST_F(StallsTest, AreUnknownWithoutSuchACgroupAndWithoutAKernelThatTells) {
    std::filesystem::remove(
        files.path("cgroup/machine.slice/machine-qemu.scope/libvirt/vcpu0/io.pressure"));
    EXPECT_FALSE(read());
    write("io.pressure", 30'000);
    EXPECT_TRUE(read());
    for (const char* cgroup : {"0::/user.slice/session-1.scope\n", "0::/\n", "",
                               "3:cpuset:/machine/qemu-1-a.libvirt-qemu/vcpu0\n"}) {
        files.write("7/task/8/cgroup", cgroup);
        EXPECT_FALSE(read()) << cgroup;
    }
}

}  // namespace
}  // namespace vnuma
