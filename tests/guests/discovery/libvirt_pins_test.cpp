#include "guests/discovery/libvirt_pins.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "tests/guests/discovery/hanging_calls.hpp"

namespace vnuma {
namespace {

// While it is null no call hangs.
test::HangingCalls* hanging_pins = nullptr;

}  // namespace
}  // namespace vnuma

// Replaces libvirt's function in this program. libvirt's test driver knows no flags here, and
// always pins the running domain.
extern "C" int virDomainPinVcpuFlags(virDomainPtr domain, unsigned vcpu, unsigned char* cpumap,
                                     int maplen, unsigned flags) {
    if (vnuma::hanging_pins) vnuma::hanging_pins->enter(virDomainGetName(domain));
    static const auto original = reinterpret_cast<decltype(&virDomainPinVcpuFlags)>(
        ::dlsym(RTLD_NEXT, "virDomainPinVcpuFlags"));
    EXPECT_EQ(flags, unsigned{VIR_DOMAIN_AFFECT_LIVE});
    return original(domain, vcpu, cpumap, maplen, 0);
}

namespace vnuma {
namespace {

constexpr DomainThread first{DomainThread::Role::vcpu, 0}, second{DomainThread::Role::vcpu, 1},
    emulator{DomainThread::Role::emulator, 0};

// libvirt's test driver: a host with eight CPUs inside this process, with one domain, which all
// connections share.
class LibvirtPinsTest : public ::testing::Test {
  protected:
    static constexpr const char* uri = "test:///default";
    static constexpr const char* uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";

    LibvirtPinsTest() { hanging_pins = &hanging; }
    ~LibvirtPinsTest() override {
        hanging.release();
        hanging_pins = nullptr;
    }
    std::vector<int> cpus_of(DomainThread thread) {
        const PinReply reply = pins.read(uuid, thread);
        EXPECT_EQ(reply.error, "");
        return reply.cpus;
    }

    // What a thread that was released does soon.
    static bool eventually(const std::function<bool()>& condition) {
        constexpr int most_attempts = 100'000;
        for (int i = 0; i < most_attempts; ++i) {
            if (condition()) return true;
            std::this_thread::yield();
        }
        return false;
    }

    test::HangingCalls hanging;
    const LibvirtConnection owner{uri};  // keeps the host while `pins` has no connection
    LibvirtPins pins{uri, hanging.clock(), hanging.wait()};
};

TEST_F(LibvirtPinsTest, AVcpuIsPinnedByItself) {
    const std::vector<int> all = cpus_of(first);
    EXPECT_EQ(all.size(), 8U) << "without a pin it may use all CPUs";
    EXPECT_EQ(pins.set(uuid, second, {3, 6}).error, "");
    EXPECT_EQ(cpus_of(second), (std::vector<int>{3, 6}));
    EXPECT_EQ(cpus_of(first), all);
    EXPECT_EQ(pins.set(uuid, second, all).error, "");
    EXPECT_EQ(cpus_of(second), all);
}

TEST_F(LibvirtPinsTest, TheEmulatorIsPinned) {
    EXPECT_EQ(pins.set(uuid, emulator, {0, 1}).error, "");
    EXPECT_EQ(cpus_of(emulator), (std::vector<int>{0, 1}));
}

TEST_F(LibvirtPinsTest, WhatLibvirtRefusesIsTold) {
    const PinReply no_vcpu = pins.set(uuid, {DomainThread::Role::vcpu, 77}, {0});
    EXPECT_NE(no_vcpu.error, "");
    EXPECT_TRUE(no_vcpu.returned);
    EXPECT_NE(pins.read(uuid, {DomainThread::Role::vcpu, 77}).error, "");
    EXPECT_NE(pins.read(uuid, {DomainThread::Role::iothread, 77}).error, "");
    EXPECT_NE(pins.read("00000000-0000-0000-0000-000000000000", first).error, "");
}

TEST_F(LibvirtPinsTest, WithoutLibvirtThereIsAPauseBetweenAttemptsToConnect) {
    LibvirtPins nowhere("test:///nowhere.xml", hanging.clock(), hanging.wait());
    const PinReply reply = nowhere.read(uuid, first);
    EXPECT_NE(reply.error.find("libvirt at test:///nowhere.xml"), std::string::npos) << reply.error;
    EXPECT_TRUE(reply.returned);
    EXPECT_EQ(nowhere.read(uuid, first).error, reply.error);
}

// Nobody knows whether a call that hangs will do its work, so no other one for that guest begins.
TEST_F(LibvirtPinsTest, ACallThatHangsIsLeftBehind) {
    hanging.hang({"test"});
    const PinReply hung = pins.set(uuid, first, {5});
    EXPECT_FALSE(hung.returned);
    EXPECT_NE(hung.error, "");
    const PinReply next = pins.read(uuid, first);
    EXPECT_NE(next.error.find("earlier call"), std::string::npos) << next.error;
    EXPECT_TRUE(next.returned);
    hanging.release();
    EXPECT_TRUE(eventually([&] { return pins.read(uuid, first).error.empty(); }));
    EXPECT_EQ(cpus_of(first), std::vector<int>{5});
}

TEST_F(LibvirtPinsTest, ItsEndDoesNotWaitForACallThatHangs) {
    auto others = std::make_unique<LibvirtPins>(uri, hanging.clock(), hanging.wait());
    hanging.hang({"test"});
    EXPECT_FALSE(others->set(uuid, first, {6}).returned);
    others.reset();
    hanging.release();
    EXPECT_TRUE(eventually([&] { return cpus_of(first) == std::vector<int>{6}; }));
}

}  // namespace
}  // namespace vnuma
