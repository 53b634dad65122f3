import EventSourcing
import Foundation
import GRDB

/// The translation of SQLite's errors into errors that name the file.
///
/// It distinguishes damage, which a new file repairs, from a failing disk.
enum StoreFailure {
    /// Runs `body` on the database at `path`.
    ///
    /// - Throws: `damaged` if the file is damaged or is not a database, `storage` if the disk is
    ///   full, fails or denies access, `unavailable` if another process keeps the file locked.
    static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw named(error, path) }
    }

    /// Runs an asynchronous `body` on the database at `path`, with the same errors.
    static func naming<Value>(
        _ path: String, isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do { return try await body() } catch { throw named(error, path) }
    }

    /// Whether the process that owns the file should end with the error. If it continued, its
    /// answers could be wrong and its writes lost.
    static func endsProcess(_ error: any Error) -> Bool {
        [.damaged, .storage].contains(DaybookError.Kind(of: error))
    }

    /// Whether the error means that a file is damaged, not that it can't be reached.
    static func isDamage(_ error: any Error) -> Bool {
        switch error {
        case is RowDecodingError, is DecodingError: true
        case let error as DatabaseError: isDamage(error)
        case let error as DaybookError: error.kind == .damaged
        default: false
        }
    }

    private static func named(_ error: any Error, _ path: String) -> any Error {
        switch error {
        case let error as DatabaseError: named(error, path)
        case is RowDecodingError, is DecodingError:
            damage(path, "a row can't be read: \(error)")
        default: error
        }
    }

    private static func named(_ error: DatabaseError, _ path: String) -> any Error {
        let reason = error.message ?? "\(error.resultCode)"
        if isDamage(error) { return damage(path, reason) }
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM,
            .SQLITE_AUTH, .SQLITE_NOLFS:
            return DaybookError(.storage, "\(path) can't be read or written: \(reason)")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return DaybookError(
                .unavailable, "another process uses \(path): \(reason); stop it first")
        default: return error
        }
    }

    private static func isDamage(_ error: DatabaseError) -> Bool {
        switch error.resultCode {
        // This program writes no row that breaks a constraint or has a value of the wrong type.
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_CONSTRAINT,
            .SQLITE_MISMATCH:
            true
        default: error.extendedResultCode == .SQLITE_IOERR_SHORT_READ
        }
    }

    private static func damage(_ path: String, _ reason: String) -> DaybookError {
        let line = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
        return DaybookError(
            .damaged, "\(path) is damaged: \(line); remove it to rebuild it")
    }
}
