// Where the parts of the screen are, by its size and what there is to show. Pure; shared by the
// model, which scrolls, and by what draws.
#pragma once

#include "src/ctl/top/model.hpp"

namespace vnuma::ctl::top {

// Of the overview: rows of the screen. The header is row 0, the keys are the last row.
struct OverviewLayout {
    bool notice = false;  // row 1 says what is wrong
    int nodes_top = 1;    // its first row has the headings
    int node_rows = 0;    // without headings
    int guests_top = 0;
    int guest_rows = 0;  // without headings; at least 1
};

OverviewLayout lay_out_overview(const Model& model);

// What is wrong with vnumad or its host, the worst first; empty if nothing is.
std::string make_notice(const Model& model);

// Of views that are one long page: its rows of the screen. Row 0 is the header.
struct PageLayout {
    int top = 1;
    int rows = 1;
};
PageLayout lay_out_page(const Model& model);

// Of the heat map: where its blocks are.
struct HeatLayout {
    int label = 8;  // columns for the offset of a row
    int columns = 1, top = 3, rows = 1;

    int blocks() const { return columns * rows; }
};
HeatLayout lay_out_heat(const Model& model);

}  // namespace vnuma::ctl::top
