#include "src/check_config.hpp"

#include <gtest/gtest.h>

#include "guests/discovery/guest_source.hpp"

namespace vnuma {
namespace {

using Lines = std::vector<std::string>;

const std::string uuid = "abcdef01-2345-4678-89ab-cdefabcdef01";

std::vector<GuestIdentity> one_guest() {
    return {{uuid, "web-1", "/machine.slice/web.scope"}};
}

TEST(CheckConfig, TellsTheSectionsThatAreNoGuests) {
    const Config config = parse_config(
        "[guest.ABCDEF01-2345-4678-89AB-CDEFABCDEF01]\nmode = \"off\"\n[guest.\"web*\"]\n"
        "[guest.wbe-1]\n[cgroup.\"/machine.slice/*\"]\n[cgroup.\"/kubepods/*\"]\n",
        "f.conf");
    EXPECT_EQ(check_sections(config, one_guest),
              (Lines{"section guest.wbe-1 is that of no guest that libvirt knows",
                     "section cgroup./kubepods/* is that of no running guest that libvirt knows"}));
}

TEST(CheckConfig, SaysSoWhenTheGuestsAreNotKnown) {
    const Config config = parse_config("[guest.web]\n", "f.conf");
    const ListGuests fail = []() -> std::vector<GuestIdentity> {
        throw SourceError("libvirt at qemu:///system: no such file");
    };
    EXPECT_EQ(check_sections(config, fail),
              Lines{"it is not known whether every section is that of a guest: libvirt at "
                    "qemu:///system: no such file"});
    const Config by_qmp =
        parse_config("source = \"qmp\"\nqmp_dir = \"/run/q\"\n[guest.web]\n", "f.conf");
    EXPECT_EQ(check_sections(by_qmp, fail),
              Lines{"it is not known whether every section is that of a guest: libvirt does not "
                    "list the guests (source)"});
}

TEST(CheckConfig, AsksNobodyWithoutASectionOfAGuest) {
    const ListGuests asked = []() -> std::vector<GuestIdentity> {
        ADD_FAILURE() << "libvirt is asked";
        return {};
    };
    EXPECT_EQ(check_sections(parse_config("[policy]\n[group.db]\n", "f.conf"), asked), Lines{});
}

}  // namespace
}  // namespace vnuma
