#include "guests/discovery/libvirt_source.hpp"

#include "guests/discovery/guest_source.hpp"
#include "guests/model/listed_guest.hpp"
#include "tests/temporary.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

// libvirt's own test driver: a host inside this process, with the domains of a file.
class LibvirtSourceTest : public ::testing::Test {
  protected:
    LibvirtSourceTest() {
        std::string host = "<node>";
        for (const char* name : {"web", "db"})
            host += std::string("<domain type='test'><name>") + name +
                    "</name><memory unit='MiB'>64</memory><vcpu>2</vcpu>"
                    "<os><type>hvm</type></os></domain>";
        files.write("host.xml", host + "</node>");
        settings.uri = "test://" + files.path("host.xml");
        settings.pid_directory = files.path();
    }

    test::TemporaryDirectory files;
    LibvirtSettings settings;
};

const ListedGuest* find(const std::vector<ListedGuest>& guests, const std::string& name) {
    for (const ListedGuest& guest : guests)
        if (guest.name == name) return &guest;
    return nullptr;
}

TEST_F(LibvirtSourceTest, ListsWhatRunsWithStateDescriptionAndPid) {
    files.write("web.pid", "4711\n");
    LibvirtSource source(settings);
    const std::vector<ListedGuest> guests = source.list();
    ASSERT_EQ(guests.size(), 2U);
    const ListedGuest* web = find(guests, "web");
    ASSERT_TRUE(web);
    EXPECT_EQ(web->state, RunState::running);
    EXPECT_EQ(web->unsteady, "");
    EXPECT_EQ(web->pid, 4711);
    ASSERT_TRUE(web->domain);
    EXPECT_EQ(web->domain->uuid, web->uuid);
    EXPECT_EQ(web->domain->cells.at(0).bytes, 64 << 20);
    EXPECT_EQ(find(guests, "db")->pid, std::nullopt);
}

TEST_F(LibvirtSourceTest, ADescriptionThatHasNotChangedIsTheSameObject) {
    LibvirtSource source(settings);
    const auto first = source.list(), second = source.list();
    EXPECT_EQ(find(first, "web")->domain, find(second, "web")->domain);
    EXPECT_NE(find(first, "web")->domain, find(first, "db")->domain);
}

TEST_F(LibvirtSourceTest, WithoutLibvirtItSaysSoAndWaitsLongerEachTime) {
    settings.uri = "qemu+unix:///system?socket=/nobody/listens";
    LibvirtSource source(settings);
    for (int i = 0; i < 2; ++i) {
        try {
            source.list();
            FAIL() << "there is no libvirt";
        } catch (const SourceError& error) {
            EXPECT_NE(std::string(error.what()).find("/nobody/listens"), std::string::npos);
        }
    }
}

TEST_F(LibvirtSourceTest, AMonitorItDoesNotReachIsAnErrorOfThatGuest) {
    LibvirtSource source(settings);
    EXPECT_THROW(source.read_ram_view("nobody"), MonitorError) << "before the first list";
    const auto guests = source.list();
    EXPECT_THROW(source.read_ram_view(guests[0].uuid), MonitorError);
    EXPECT_THROW(source.start_write_measurement(guests[0].uuid, std::chrono::seconds(1)),
                 MonitorError);
    EXPECT_THROW(source.read_write_measurement(guests[0].uuid), MonitorError);
    EXPECT_EQ(source.list().size(), 2U);
}

}  // namespace
}  // namespace vnuma
