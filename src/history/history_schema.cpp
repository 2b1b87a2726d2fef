#include "src/history/history_schema.hpp"

#include <nlohmann/json.hpp>

namespace vnuma::history {
namespace {

// Cells and nodes are ordered by time, so that minutes are added at one end and removed at the
// other, in few pages. A cell's minute takes 55 bytes on a host of two nodes, so that 24 h of
// 100 guests of one cell take 8 MB. A happening takes 80 bytes and its text, with both indexes.
// `seen` is an hour of the guest's last minutes: names are kept once, not in each row.
constexpr const char* create_tables = R"(
CREATE TABLE guests(id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, name TEXT NOT NULL,
    seen INTEGER NOT NULL, UNIQUE(uuid, name));
CREATE TABLE cells(minute INTEGER NOT NULL, guest INTEGER NOT NULL, cell INTEGER NOT NULL,
    home INTEGER, cpu_use INTEGER NOT NULL, locality INTEGER NOT NULL, memory TEXT NOT NULL,
    moved INTEGER NOT NULL, PRIMARY KEY(minute, guest, cell)) WITHOUT ROWID;
CREATE TABLE nodes(minute INTEGER NOT NULL, node INTEGER NOT NULL, capacity INTEGER NOT NULL,
    guest_use INTEGER NOT NULL, other_use INTEGER NOT NULL, memory INTEGER NOT NULL,
    available INTEGER NOT NULL, PRIMARY KEY(minute, node)) WITHOUT ROWID;
CREATE TABLE happenings(id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    guest INTEGER, cell INTEGER, shard INTEGER, from_node INTEGER, to_node INTEGER, bytes INTEGER,
    text TEXT NOT NULL);
CREATE INDEX happenings_by_time ON happenings(time_ms);
CREATE INDEX happenings_by_guest ON happenings(guest, time_ms);
CREATE TABLE progress(writer INTEGER NOT NULL, batch INTEGER NOT NULL);
INSERT INTO progress VALUES(0, 0);
)";

void create(Database& database) {
    // Only an empty file takes this. Then pages can be given back when the limit is lowered.
    database.execute("PRAGMA auto_vacuum = INCREMENTAL");
    Transaction transaction(database);
    database.execute(create_tables);
    database.execute("PRAGMA application_id = " + std::to_string(application_id));
    database.execute("PRAGMA user_version = " + std::to_string(schema_version));
    transaction.commit();
}

}  // namespace

void prepare_schema(Database& database, const std::string& file) {
    const std::string help = ": no history is kept; move the file away to begin a new one";
    // Everything is read before anything is written.
    const std::int64_t tables = database.number("SELECT count(*) FROM sqlite_schema");
    const std::int64_t version = database.number("PRAGMA user_version");
    const std::int64_t owner = database.number("PRAGMA application_id");
    if (tables == 0 && version == 0 && owner == 0) return create(database);
    if (owner != application_id) throw ForeignFile(file + " is no history of vnumad" + help);
    if (version != schema_version)
        throw ForeignFile(file + " is of version " + std::to_string(version) +
                          " of another vnumad, this one knows version " +
                          std::to_string(schema_version) + help);
    Statement check(database, "PRAGMA quick_check(1)");
    if (!check.step() || check.text(0) != "ok")
        throw DatabaseError(SQLITE_CORRUPT, "database disk image is malformed");
}

std::string to_column(const std::vector<control::NodeBytes>& memory) {
    nlohmann::json list = nlohmann::json::array();
    for (const control::NodeBytes& part : memory)
        list.push_back({part.node, part.bytes});
    return list.dump();
}

std::vector<control::NodeBytes> from_column(const std::string& text) {
    std::vector<control::NodeBytes> memory;
    const nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
    if (!list.is_array()) return memory;
    for (const nlohmann::json& part : list)
        if (part.is_array() && part.size() == 2 && part[0].is_number_integer() &&
            part[1].is_number_integer())
            memory.push_back({part[0].get<int>(), part[1].get<Bytes>()});
    return memory;
}

}  // namespace vnuma::history
