#include "src/history/database.hpp"

namespace vnuma::history {
namespace {

constexpr int primary_code = 0xff;  // of an extended result code

[[noreturn]] void fail(sqlite3* database, int result) {
    throw DatabaseError(result, database ? ::sqlite3_errmsg(database) : ::sqlite3_errstr(result));
}

}  // namespace

DatabaseError::DatabaseError(int result, const std::string& what)
    : std::runtime_error(what), code(result & primary_code) {}

Statement::Statement(Database& database, std::string_view sql) : database_(database.handle()) {
    sqlite3_stmt* statement = nullptr;
    const int result = ::sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                                            SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    statement_.reset(statement);
    check(result);
}

void Statement::check(int result) const {
    if (result != SQLITE_OK) fail(database_, result);
}

Statement& Statement::bind(int position, std::int64_t value) {
    check(::sqlite3_bind_int64(statement_.get(), position, value));
    return *this;
}

Statement& Statement::bind(int position, const std::string& value) {
    check(::sqlite3_bind_text64(statement_.get(), position, value.data(), value.size(),
                                SQLITE_TRANSIENT, SQLITE_UTF8));
    return *this;
}

Statement& Statement::bind(int position, const std::optional<int>& value) {
    return bind(position, value ? std::optional<std::int64_t>(*value) : std::nullopt);
}

Statement& Statement::bind(int position, const std::optional<std::int64_t>& value) {
    if (value) return bind(position, *value);
    check(::sqlite3_bind_null(statement_.get(), position));
    return *this;
}

bool Statement::step() {
    const int result = ::sqlite3_step(statement_.get());
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) {
        reset();
        return false;
    }
    const DatabaseError error(result, ::sqlite3_errmsg(database_));
    reset();
    throw error;
}

std::int64_t Statement::number(int column) const {
    return ::sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::int64_t> Statement::maybe_number(int column) const {
    if (::sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) return std::nullopt;
    return number(column);
}

std::string Statement::text(int column) const {
    const unsigned char* begin = ::sqlite3_column_text(statement_.get(), column);
    const int bytes = ::sqlite3_column_bytes(statement_.get(), column);
    if (!begin) return "";
    return {reinterpret_cast<const char*>(begin), static_cast<std::size_t>(bytes)};
}

Database::Database(const std::string& file, Access access, int patience_ms) {
    sqlite3* database = nullptr;
    const int mode = access == Access::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    const int result =
        ::sqlite3_open_v2(file.c_str(), &database, mode | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(database);
    if (result != SQLITE_OK) fail(database, result);
    ::sqlite3_busy_timeout(database, patience_ms);
    // The file may come from anywhere: it must not make SQLite do more than read and write rows.
    ::sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    ::sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

void Database::execute(const std::string& sql) {
    const int result = ::sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) fail(database_.get(), result);
}

std::int64_t Database::number(const std::string& sql) {
    Statement statement(*this, sql);
    return statement.step() ? statement.number(0) : 0;
}

Transaction::Transaction(Database& database, const char* begin) : database_(database) {
    database_.execute(begin);
}

// An error may have rolled it back already.
Transaction::~Transaction() {
    if (open_ && ::sqlite3_get_autocommit(database_.handle()) == 0)
        ::sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
    database_.execute("COMMIT");
    open_ = false;
}

}  // namespace vnuma::history
