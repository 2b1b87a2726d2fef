#include "guests/discovery/defined_guests.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "guests/discovery/guest_source.hpp"
#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

constexpr const char* uuid = "abcdef01-2345-4678-89ab-cdefabcdef01";

// libvirt's test driver: a host inside this process, with the domains of a file.
std::string domain(const std::string& name, const std::string& id) {
    return "<domain type='test'><name>" + name + "</name><uuid>" + id +
           "</uuid><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>";
}

TEST(DefinedGuests, AreListedByUuidAndNameAndTheControlGroupsOfThoseThatRun) {
    const test::TemporaryDirectory files;
    files.write("host.xml", "<node>" + domain("web", uuid) +
                                domain("db", "abcdef01-2345-4678-89ab-cdefabcdef02") + "</node>");
    files.write("web.pid", std::to_string(::getpid()) + "\n");
    LibvirtSettings settings;
    settings.uri = "test://" + files.path("host.xml");
    settings.pid_directory = files.path();
    const auto guests = list_defined_guests(settings);
    ASSERT_EQ(guests.size(), 2U);
    const auto own_group = parse_cgroup(read_small_file("/proc/self/cgroup").value_or(""));
    for (const GuestIdentity& guest : guests) {
        EXPECT_EQ(guest.uuid == uuid, guest.name == "web") << guest.name;
        EXPECT_EQ(guest.cgroup, guest.name == "web" && own_group ? own_group->path : "");
    }
}

TEST(DefinedGuests, AreNotKnownWithoutLibvirt) {
    LibvirtSettings settings;
    settings.uri = "test:///no/such/file.xml";
    EXPECT_THROW(list_defined_guests(settings), SourceError);
}

}  // namespace
}  // namespace vnuma
