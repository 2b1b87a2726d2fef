#include "src/ctl/units.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace vnuma::ctl {
namespace {

void use_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
}

TEST(Units, SizesAreReadWithBinaryUnitsInAnySpelling) {
    for (const char* text : {"4G", "4GiB", "4 GiB", "4gb", "4096M", "4294967296", "4294967296B"})
        EXPECT_EQ(parse_size(text), Bytes{4} << 30) << text;
    EXPECT_EQ(parse_size("1.5K"), 1536);
    EXPECT_EQ(parse_size("0"), 0);
}

TEST(Units, WhatIsNoSizeIsNotRead) {
    for (const char* text :
         {"", "G", "-4G", "4X", "4 G B", "4GG", "1e9", "99999999T", " 4G", "nan"})
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

TEST(Units, SizesArePrintedWithAtMostFourDigits) {
    EXPECT_EQ(format_size(0), "0 B");
    EXPECT_EQ(format_size(Bytes{4} << 30), "4 GiB");
    EXPECT_EQ(format_size(Bytes{1536} << 20), "1.5 GiB");
    EXPECT_EQ(format_size(1023), "1023 B");
    EXPECT_EQ(format_size((Bytes{1} << 20) - 1), "1 MiB");
    EXPECT_EQ(format_size(Bytes{123} << 40), "123 TiB");
    EXPECT_EQ(format_rate(0), "-");
    EXPECT_EQ(format_rate(Bytes{300} << 20), "300 MiB/s");
}

TEST(Units, DurationsAreReadWithFallingUnits) {
    EXPECT_EQ(parse_duration("30s"), 30'000);
    EXPECT_EQ(parse_duration("500ms"), 500);
    EXPECT_EQ(parse_duration("1h30m"), 5'400'000);
    EXPECT_EQ(parse_duration("1h 30min"), 5'400'000);
    EXPECT_EQ(parse_duration("2d"), 172'800'000);
    EXPECT_EQ(parse_duration("1.5h"), 5'400'000);
    EXPECT_EQ(parse_duration("90"), 90'000);
    for (const char* text :
         {"", "s", "30m1h", "1h1h", "1h30", "-1s", "1y", "99999999999999d", "soon"})
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Units, DurationsArePrintedWithTheirTwoLargestUnits) {
    EXPECT_EQ(format_duration(0), "0s");
    EXPECT_EQ(format_duration(2'000), "2s");
    EXPECT_EQ(format_duration(500), "500ms");
    EXPECT_EQ(format_duration(2'500), "2s");
    EXPECT_EQ(format_duration(125'000), "2min 5s");
    EXPECT_EQ(format_duration(86'400'000), "1d");
    EXPECT_EQ(format_duration(273'600'000 + 59'000), "3d 4h");
}

TEST(Units, OnlyAllIsAHundredPerCentAndOnlyNothingIsNone) {
    EXPECT_EQ(format_share(1000), "100 %");
    EXPECT_EQ(format_share(999), "99 %");
    EXPECT_EQ(format_share(985), "99 %");
    EXPECT_EQ(format_share(1), "1 %");
    EXPECT_EQ(format_share(0), "0 %");
}

TEST(Units, CpusHaveOneDecimal) {
    EXPECT_EQ(format_cpus(3249), "3.2");
    EXPECT_EQ(format_cpus(0), "0.0");
}

TEST(Units, TimesAreThoseOfTheLocalZone) {
    use_zone("UTC-2");
    EXPECT_EQ(format_time(0), "1970-01-01 02:00:00");
    EXPECT_EQ(format_time_of_day(1'000), "02:00:01");
    use_zone("UTC");
}

TEST(Units, ATimeBeforeNowIsADurationOrATime) {
    use_zone("UTC");
    const std::int64_t now = 1'000'000'000'000;  // 2001-09-09 01:46:40
    EXPECT_EQ(parse_since("1h", now), now - 3'600'000);
    EXPECT_EQ(parse_since("2001-09-09 01:00:00", now), now - 2'800'000);
    EXPECT_EQ(parse_since("2001-09-09 01:00", now), now - 2'800'000);
    EXPECT_EQ(parse_since("01:00", now), now - 2'800'000);
    EXPECT_EQ(parse_since("2001-09-09", now), now - 6'400'000);
    EXPECT_EQ(parse_since("02:00", now), std::nullopt) << "in the future";
    EXPECT_EQ(parse_since("yesterday", now), std::nullopt);
    EXPECT_EQ(parse_since("30000d", now), 0) << "before 1970";
}

}  // namespace
}  // namespace vnuma::ctl
