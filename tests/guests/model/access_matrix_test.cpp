#include "guests/model/access_matrix.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

TEST(AccessMatrix, HasAtMostMaxExtents) {
    AccessMatrix matrix(2, 1'000'000);
    EXPECT_EQ(matrix.extents(), AccessMatrix::max_extents);
    EXPECT_EQ(matrix.extent_of(0), 0U);
    EXPECT_EQ(matrix.extent_of(999'999), AccessMatrix::max_extents - 1);
    EXPECT_EQ(AccessMatrix(5000, 1).vcpus(), AccessMatrix::max_vcpus);
}

TEST(AccessMatrix, FadesByAQuarterAndSaturates) {
    AccessMatrix matrix(1, 1);
    matrix.add(0, 0, 0xfffffff0);
    matrix.add(0, 0, 0xfffffff0);
    EXPECT_EQ(matrix.at(0, 0), 0xfffffff0);
    matrix.fade(0);
    EXPECT_EQ(matrix.at(0, 0), 0xbffffff4U);
    matrix.add(1, 0, 5);
    matrix.add(0, 1, 5);
    EXPECT_EQ(matrix.at(0, 0), 0xbffffff4U);
}

}  // namespace
}  // namespace vnuma
