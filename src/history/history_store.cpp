#include "src/history/history_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "guests/process/file_descriptor.hpp"

namespace vnuma::history {
namespace {

// Pages of the write-ahead log after which it is brought into the file.
constexpr int checkpoint_pages = 256;
// Of HistoryLimits::bytes, what is left to the log.
constexpr std::int64_t log_bytes = 4 << 20;
// Of the file's pages, a part that is free before each batch, so that it finds room.
constexpr std::int64_t free_part = 20;
constexpr std::int64_t least_free_pages = 16;
// When room is needed, one such part of all that is kept is removed at a time, from the oldest on.
constexpr std::int64_t removed_part = 50;
constexpr int max_removals = 100;  // at a time
// The log would outgrow its part if all of an old file were removed in one transaction.
constexpr std::int64_t max_removed_minutes = 240;

std::int64_t minute_of(std::int64_t time_ms) {
    return time_ms / minute_ms;
}

// The text, cut before a character that would make it longer than allowed.
std::string cut(const std::string& text) {
    if (text.size() <= max_kept_text) return text;
    std::size_t end = max_kept_text;
    while (end > 0 && (text[end] & 0xc0) == 0x80)
        --end;
    return text.substr(0, end);
}

// Creates the file for this user alone; SQLite would let others read it. An existing one is not
// opened: closing it would end the locks that another connection of this process has on it.
void create_file(const std::string& file) {
    const FileDescriptor fd(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd && errno != EEXIST)
        throw std::runtime_error("the file cannot be created: " +
                                 std::generic_category().message(errno));
    // A link may lead to a file of another user.
    struct stat found {};
    if (::lstat(file.c_str(), &found) == 0 && !S_ISREG(found.st_mode))
        throw std::runtime_error("it must be a regular file");
}

std::int64_t size_of(const std::string& file) {
    struct stat found {};
    return ::stat(file.c_str(), &found) == 0 ? found.st_size : 0;
}

std::pair<dev_t, ino_t> identify(const std::string& file) {
    struct stat found {};
    if (::lstat(file.c_str(), &found) != 0) return {};
    return {found.st_dev, found.st_ino};
}

}  // namespace

struct HistoryStore::Statements {
    explicit Statements(Database& database)
        : find_guest(database, "SELECT id, seen FROM guests WHERE uuid = ? AND name = ?"),
          add_guest(database, "INSERT INTO guests(uuid, name, seen) VALUES(?, ?, ?)"),
          see_guest(database, "UPDATE guests SET seen = ? WHERE id = ?"),
          // A minute may come in two parts, where vnumad was restarted in it.
          add_cell(database,
                   "INSERT INTO cells VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                   "home = excluded.home, cpu_use = excluded.cpu_use, "
                   "locality = excluded.locality, memory = excluded.memory, "
                   "moved = moved + excluded.moved"),
          add_node(database, "INSERT OR REPLACE INTO nodes VALUES(?, ?, ?, ?, ?, ?, ?)"),
          add_happening(database,
                        "INSERT INTO happenings(time_ms, kind, guest, cell, shard, from_node, "
                        "to_node, bytes, text) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"),
          set_progress(database, "UPDATE progress SET writer = ?, batch = ?") {}

    Statement find_guest, add_guest, see_guest, add_cell, add_node, add_happening, set_progress;
};

HistoryStore::HistoryStore(std::string file, HistoryLimits limits)
    : file_(std::move(file)), limits_(limits) {}

HistoryStore::~HistoryStore() = default;

bool HistoryStore::open() {
    if (database_ && !is_same_file()) close();
    // The second time after a damaged file was set aside.
    for (int attempts = 2; !database_ && attempts > 0; --attempts) {
        try {
            try_open();
            problem_.clear();
        } catch (const DatabaseError& error) {
            const bool again = error.is_corrupt() && !has_set_aside_;
            handle(error, error.is_corrupt());
            close();
            if (!again) break;
        } catch (const std::exception& error) {
            handle(error, false);
            close();
            break;
        }
    }
    return database_ != nullptr;
}

void HistoryStore::try_open() {
    create_file(file_);
    database_ = std::make_unique<Database>(file_, Database::Access::write,
                                           static_cast<int>(limits_.lock_patience.count()));
    database_->execute("PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON");
    prepare_schema(*database_, file_);
    configure();
    identity_ = identify(file_);
    ++opened_;
}

void HistoryStore::configure() {
    database_->execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024;"
        // Debian's SQLite overwrites what is removed, unless it is told not to.
        "PRAGMA secure_delete = OFF;"
        "PRAGMA wal_autocheckpoint = " +
        std::to_string(checkpoint_pages) +
        "; PRAGMA journal_size_limit = " + std::to_string(log_bytes / 2));
    const std::int64_t page = database_->number("PRAGMA page_size");
    max_pages_ =
        std::max(limits_.bytes - log_bytes, limits_.bytes / 2) / std::max<std::int64_t>(page, 512);
    statements_ = std::make_unique<Statements>(*database_);
    if (database_->number("PRAGMA page_count") > max_pages_) shrink();
    database_->number("PRAGMA max_page_count = " + std::to_string(max_pages_));
}

// After the limit was lowered.
void HistoryStore::shrink() {
    for (int removals = 0; used_pages() > max_pages_ && removals < max_removals; ++removals) {
        Transaction transaction(*database_);
        const bool removed = remove_oldest_part();
        transaction.commit();
        if (!removed) break;
    }
    database_->execute("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
}

bool HistoryStore::is_same_file() const {
    return identify(file_) == identity_;
}

void HistoryStore::close() {
    statements_.reset();
    database_.reset();
}

void HistoryStore::handle(const std::exception& error, bool is_corrupt) {
    problem_ = "history in " + file_ + ": " + error.what();
    if (is_corrupt && !has_set_aside_) set_aside(error.what());
    const auto* from_sqlite = dynamic_cast<const DatabaseError*>(&error);
    // These may be over the next time, without opening the file again.
    const bool passes =
        from_sqlite && (from_sqlite->code == SQLITE_FULL || from_sqlite->code == SQLITE_BUSY);
    if (!passes || !statements_) close();
}

// Once in a process: what damages the next file, too, is not mended by further ones.
void HistoryStore::set_aside(const std::string& why) {
    close();
    has_set_aside_ = true;
    const std::string kept = file_ + damaged_suffix;
    if (std::rename(file_.c_str(), kept.c_str()) != 0) {
        problem_ +=
            "; and it cannot be renamed to " + kept + ": " + std::generic_category().message(errno);
        return;
    }
    // They belong to the damaged file. Without it, SQLite would take them for those of the new one.
    std::rename((file_ + "-wal").c_str(), (kept + "-wal").c_str());
    std::remove((file_ + "-shm").c_str());
    note_ = "history in " + file_ + " was damaged (" + why + "), is kept as " + kept +
            ", and was begun anew";
    note_until_ms_ = 0;
}

bool HistoryStore::write(const Batch& batch) {
    const bool is_open = open();
    if (note_until_ms_ == 0) note_until_ms_ = batch.now_ms + limits_.length.count();
    if (batch.now_ms >= note_until_ms_) note_.clear();
    if (!is_open) return false;
    try {
        write_all(batch);
        problem_.clear();
        return true;
    } catch (const DatabaseError& error) {
        handle(error, error.is_corrupt());
        if (!database_) open();
    } catch (const std::exception& error) {
        handle(error, false);
    }
    return false;
}

// Another process that reads for long keeps the log from being brought into the file.
void HistoryStore::limit_log() {
    if (size_of(file_ + "-wal") <= log_bytes) return;
    if (database_->number("PRAGMA wal_checkpoint(TRUNCATE)") != 0)
        throw std::runtime_error("another process reads the file without an end");
}

void HistoryStore::write_all(const Batch& batch) {
    limit_log();
    Transaction transaction(*database_);
    expire(batch.now_ms);
    for (const Minutes& minutes : batch.minutes)
        write_minutes(minutes);
    for (const control::Happening& happening : batch.happenings)
        write_happening(happening);
    statements_->set_progress.bind(1, batch.progress.writer).bind(2, batch.progress.batch).run();
    transaction.commit();
}

void HistoryStore::write_minutes(const Minutes& minutes) {
    for (const control::CellMinute& cell : minutes.cells)
        statements_->add_cell.bind(1, minute_of(cell.time_ms))
            .bind(2, guest_id(cell.uuid, cell.guest, cell.time_ms))
            .bind(3, std::int64_t{cell.cell})
            .bind(4, cell.home)
            .bind(5, cell.cpu_use)
            .bind(6, cell.locality)
            .bind(7, to_column(cell.memory))
            .bind(8, cell.moved)
            .run();
    for (const control::NodeMinute& node : minutes.nodes)
        statements_->add_node.bind(1, minute_of(node.time_ms))
            .bind(2, std::int64_t{node.node})
            .bind(3, node.capacity)
            .bind(4, node.guest_use)
            .bind(5, node.other_use)
            .bind(6, node.memory)
            .bind(7, node.available)
            .run();
}

void HistoryStore::write_happening(const control::Happening& happening) {
    std::optional<std::int64_t> guest;
    if (!happening.uuid.empty())
        guest = guest_id(happening.uuid, happening.guest, happening.time_ms);
    statements_->add_happening.bind(1, happening.time_ms)
        .bind(2, std::string(name(happening.kind)))
        .bind(3, guest)
        .bind(4, happening.cell)
        .bind(5, happening.shard)
        .bind(6, happening.from)
        .bind(7, happening.to)
        .bind(8, happening.bytes)
        .bind(9, cut(happening.text))
        .run();
}

std::int64_t HistoryStore::guest_id(const std::string& uuid, const std::string& name,
                                    std::int64_t time_ms) {
    constexpr std::int64_t minutes_per_hour = 60;
    const std::int64_t hour = minute_of(time_ms) / minutes_per_hour;
    const std::string kept_uuid = cut(uuid), kept_name = cut(name);
    Statement& find = statements_->find_guest.bind(1, kept_uuid).bind(2, kept_name);
    if (!find.step()) {
        statements_->add_guest.bind(1, kept_uuid).bind(2, kept_name).bind(3, hour).run();
        return database_->last_id();
    }
    const std::int64_t id = find.number(0), seen = find.number(1);
    find.reset();
    if (seen < hour) statements_->see_guest.bind(1, hour).bind(2, id).run();
    return id;
}

void HistoryStore::expire(std::int64_t now_ms) {
    const std::int64_t now = minute_of(now_ms), length = limits_.length.count() / minute_ms;
    const std::int64_t oldest =
        database_->number("SELECT ifnull(min(minute), " + std::to_string(now) + ") FROM nodes");
    remove_before(std::min(now - length, oldest + max_removed_minutes));
    // What was written while the clock was wrong would stay for as long as it was wrong by.
    const std::string future = std::to_string(now + length);
    database_->execute("DELETE FROM cells WHERE minute > " + future +
                       "; DELETE FROM nodes WHERE minute > " + future +
                       "; DELETE FROM happenings WHERE time_ms > " + future + " * 60000");
    database_->execute("DELETE FROM happenings WHERE id <= (SELECT max(id) FROM happenings) - " +
                       std::to_string(limits_.happenings));
    const std::int64_t most = max_pages_ - std::max(max_pages_ / free_part, least_free_pages);
    for (int removals = 0; used_pages() > most && removals < max_removals; ++removals)
        if (!remove_oldest_part()) break;
}

void HistoryStore::remove_before(std::int64_t minute) {
    const std::string before = std::to_string(minute);
    database_->execute("DELETE FROM cells WHERE minute < " + before +
                       "; DELETE FROM nodes WHERE minute < " + before +
                       "; DELETE FROM happenings WHERE time_ms < " + before + " * 60000" +
                       "; DELETE FROM guests WHERE seen < " + before + " / 60");
}

// Whether there was anything to remove.
bool HistoryStore::remove_oldest_part() {
    const std::int64_t oldest = database_->number(
        "SELECT min(a) FROM (SELECT min(minute) AS a FROM cells UNION ALL SELECT min(minute) FROM "
        "nodes UNION ALL SELECT min(time_ms) / 60000 FROM happenings)");
    const std::int64_t newest = database_->number(
        "SELECT max(a) FROM (SELECT max(minute) AS a FROM cells UNION ALL SELECT max(minute) FROM "
        "nodes UNION ALL SELECT max(time_ms) / 60000 FROM happenings)");
    if (newest == 0) return false;
    remove_before(oldest + std::max<std::int64_t>((newest - oldest) / removed_part, 1));
    return true;
}

std::int64_t HistoryStore::used_pages() {
    return database_->number("PRAGMA page_count") - database_->number("PRAGMA freelist_count");
}

}  // namespace vnuma::history
