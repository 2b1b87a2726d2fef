#include "policy/model/uuid.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

const std::string uuid = "abcdef01-2345-4678-89ab-cdefabcdef01";

TEST(Uuid, HasOneSpellingWhateverTheUserWrites) {
    for (const char* text :
         {"abcdef01-2345-4678-89ab-cdefabcdef01", "ABCDEF01-2345-4678-89AB-CDEFABCDEF01",
          "abcdef012345467889abcdefabcdef01", "{ABCDEF01-2345-4678-89AB-CDEFABCDEF01}",
          "abcdef01-23454678-89abcdef-abcdef01", "{AbCdEf012345467889aBcDeFaBcDeF01}"}) {
        EXPECT_EQ(parse_uuid(text), uuid) << text;
        EXPECT_EQ(normalize_guest_name(text), uuid) << text;
    }
}

TEST(Uuid, WhatIsNoneStaysAsItIs) {
    for (const char* text :
         {"", "web", "{}", "abcdef01-2345-4678-89ab-cdefabcdef0",
          "abcdef01-2345-4678-89ab-cdefabcdef012", "abcdef01-2345-4678-89ab-cdefabcdef0g",
          "{abcdef01-2345-4678-89ab-cdefabcdef01", "-abcdef01-2345-4678-89ab-cdefabcdef01",
          "abcdef01 2345 4678 89ab cdefabcdef01", "abcdef01-2345-4678-89ab-cdefabcdef01/b.sock"}) {
        EXPECT_EQ(parse_uuid(text), std::nullopt) << text;
        EXPECT_EQ(normalize_guest_name(text), text);
    }
}

}  // namespace
}  // namespace vnuma
