#include "src/observe/observer.hpp"

#include <gtest/gtest.h>

#include <string>

#include "guests/discovery/guest_source.hpp"

namespace vnuma {
namespace {

std::string source_of(const std::string& config) {
    return make_source(parse_config(config, "f.conf"))->name();
}

TEST(MakeSource, ModeObserveConnectsToNoQmpSocket) {
    const std::string qmp = "source = \"qmp\"\nqmp_dir = \"/run/q\"\n";
    EXPECT_EQ(source_of(qmp), "qmp");
    EXPECT_EQ(source_of(qmp + "mode = \"advise\"\n"), "qmp");
    EXPECT_EQ(source_of(qmp + "mode = \"observe\"\n"), "proc");
    EXPECT_EQ(source_of(qmp + "[policy]\nmode = \"observe\"\n"), "qmp")
        << "it may act on a guest that has another policy";
}

TEST(MakeSource, ModeObserveKeepsTheOtherSources) {
    for (const std::string source : {"libvirt", "proc"})
        EXPECT_EQ(source_of("mode = \"observe\"\nsource = \"" + source + "\"\n"), source);
}

}  // namespace
}  // namespace vnuma
