// SQLite's C interface behind RAII. Errors are thrown, and leave this folder as text only.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace vnuma::history {

struct DatabaseError : std::runtime_error {
    DatabaseError(int result, const std::string& what);

    const int code;  // SQLite's primary result code: SQLITE_FULL, SQLITE_CORRUPT, ...

    // The file is no database, or a damaged one.
    bool is_corrupt() const { return code == SQLITE_CORRUPT || code == SQLITE_NOTADB; }
};

class Database;

// A prepared statement. Must not outlive its database.
class Statement {
  public:
    Statement(Database& database, std::string_view sql);

    // Positions begin at 1, as in SQLite. The text is copied.
    Statement& bind(int position, std::int64_t value);
    Statement& bind(int position, const std::string& value);
    Statement& bind(int position, const std::optional<int>& value);
    Statement& bind(int position, const std::optional<std::int64_t>& value);

    // Whether there is a row. After the last row, and when it throws, it can be bound anew.
    bool step();
    // For a statement without rows.
    void run() {
        while (step()) {
        }
    }
    void reset() { ::sqlite3_reset(statement_.get()); }

    // Columns begin at 0. A value of another type is converted, as SQLite does.
    std::int64_t number(int column) const;
    std::optional<std::int64_t> maybe_number(int column) const;
    std::string text(int column) const;

  private:
    void check(int result) const;

    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
    };
    sqlite3* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// One connection, for one thread at a time.
class Database {
  public:
    enum class Access { read, write };

    // Throws DatabaseError. The file must exist: what creates it also says who may read it.
    // `patience_ms`: how long a call may wait for another process' lock.
    Database(const std::string& file, Access access, int patience_ms);

    void execute(const std::string& sql);
    // The first column of the first row; 0 if there is none.
    std::int64_t number(const std::string& sql);
    std::int64_t changes() const { return ::sqlite3_changes64(database_.get()); }
    std::int64_t last_id() const { return ::sqlite3_last_insert_rowid(database_.get()); }
    sqlite3* handle() { return database_.get(); }

  private:
    struct Close {
        void operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }
    };
    std::unique_ptr<sqlite3, Close> database_;
};

// Rolls back unless it was committed.
class Transaction {
  public:
    explicit Transaction(Database& database, const char* begin = "BEGIN IMMEDIATE");
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

  private:
    Database& database_;
    bool open_ = true;
};

}  // namespace vnuma::history
