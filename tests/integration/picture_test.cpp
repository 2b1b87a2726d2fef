#include "integration/demo/picture.hpp"

#include <gtest/gtest.h>

namespace vnuma::lab {
namespace {

using nlohmann::json;

const json report = json::parse(R"({
    "guests": [{"domain": "beta", "cells": [{
        "memory_bytes": {"0": 104857600, "1": 314572800}, "locality": 0.25,
        "vcpus": [{"node": 0}, {"node": null}],
        "verdict": {"reason": "settling", "explanation": "going home"}}]}],
    "actions": [{"action": "pin"}, {"action": "move", "moved_bytes": 1048576}]})");

TEST(Picture, ReadsGuestsFromAReport) {
    const auto guests = guests_of(report);
    ASSERT_EQ(guests.size(), 1U);
    EXPECT_EQ(guests[0].bytes.at(1), 300 << 20);
    EXPECT_EQ(guests[0].vcpu_nodes, (std::vector<int>{0, -1}));
    EXPECT_EQ(moved_bytes(report), 1 << 20);
    EXPECT_FALSE(all_home(report));
    EXPECT_FALSE(all_home(json::object())) << "no guests are nobody at home";
}

TEST(Picture, DrawsABarForEachNode) {
    EXPECT_EQ(draw(guests_of(report), false),
              "  beta     local  25 %   going home\n"
              "    node 0  ######..................   100 MiB  vCPU 0\n"
              "    node 1  ##################......   300 MiB  \n");
}

TEST(Picture, IsOneLineForAPipe) {
    EXPECT_EQ(draw_line(guests_of(report)),
              "beta: N0 100 MiB N1 300 MiB vCPUs on N0 N-1, local 25 %");
}

TEST(Picture, TheTableHasBothSides) {
    auto after = guests_of(report);
    after[0].locality = 1;
    const std::string table = draw_table(guests_of(report), after);
    EXPECT_NE(table.find("before N0"), std::string::npos);
    EXPECT_NE(table.find("25 %"), std::string::npos);
    EXPECT_NE(table.find("100 %"), std::string::npos);
}

}  // namespace
}  // namespace vnuma::lab
