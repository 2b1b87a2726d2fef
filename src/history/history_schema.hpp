// What the history's file contains, and which files are not touched.
#pragma once

#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"
#include "src/history/database.hpp"

namespace vnuma::history {

// Raised with every change of the tables.
inline constexpr int schema_version = 1;
// In the file's header, so that it is known for what it is: "vnuh".
inline constexpr int application_id = 0x766e7568;

// The file is left alone, because somebody else has written it; what() says who and what to do.
struct ForeignFile : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Makes sure that the file has the tables of this version: creates them in an empty file. Throws
// ForeignFile, and DatabaseError, also if the file is damaged.
void prepare_schema(Database& database, const std::string& file);

// Memory by node as a column has it: "[[0,4294967296],[1,8192]]". Text that is no such list gives
// an empty one.
std::string to_column(const std::vector<control::NodeBytes>& memory);
std::vector<control::NodeBytes> from_column(const std::string& text);

// How far a writer has got: kept in the file with what it has written, so that a reader knows what
// of the writer's memory is in the file already.
struct Progress {
    std::int64_t writer = 0;  // a number by chance, of one process
    std::int64_t batch = 0;   // the last one that is written
};

}  // namespace vnuma::history
