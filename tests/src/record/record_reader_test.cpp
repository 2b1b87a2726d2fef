#include "src/record/record_reader.hpp"

#include <gtest/gtest.h>

#include "tests/src/record/records.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

class RecordReaderTest : public ::testing::Test {
  protected:
    std::string error_of(const std::string& file) {
        try {
            RecordReader reader(directory.path(file));
            while (reader.next()) {
            }
        } catch (const RecordingError& error) {
            return error.what();
        }
        return "";
    }

    test::TemporaryDirectory directory;
    const std::vector<Record> records = test::records_of_small_host();
};

TEST_F(RecordReaderTest, GivesOneRecordAfterTheOther) {
    directory.write("two", to_line(records[0]) + "\n" + to_line(records[1]));
    RecordReader reader(directory.path("two"));
    EXPECT_EQ(reader.next(), records[0]);
    EXPECT_EQ(reader.next(), records[1]) << "the last newline may be missing";
    EXPECT_FALSE(reader.next());
}

TEST_F(RecordReaderTest, NamesTheLineThatIsNoRecord) {
    directory.write("bad", to_line(records[0]) + "\n{}\n");
    EXPECT_EQ(error_of("bad").find(directory.path("bad") + ":2: "), 0u) << error_of("bad");
    directory.write("long", std::string(max_record_bytes + 1, ' '));
    EXPECT_EQ(error_of("long"),
              directory.path("long") + ":1: has 16777217 bytes, the limit is 16777216");
}

TEST_F(RecordReaderTest, WhatIsNoFileCannotBeRead) {
    EXPECT_EQ(error_of("none"), directory.path("none") + ": cannot be read");
    EXPECT_NE(error_of(""), "");
    directory.write("empty", "");
    EXPECT_EQ(error_of("empty"), "");
}

}  // namespace
}  // namespace vnuma
