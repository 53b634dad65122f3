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

    /// Whether the process that owns the file should end with the error. If it continued, its
    /// answers could be wrong and its writes lost.
    static func endsProcess(_ error: any Error) -> Bool {
        [.damaged, .storage].contains(DaybookError.Kind(of: error))
    }

    /// Whether the error means that a file is damaged, not that it can't be reached.
    static func isDamage(_ error: any Error) -> Bool {
        switch error {
        case is RowDecodingError, is DecodingError: true
        case let error as DaybookError: error.kind == .damaged
        case let error as DatabaseError:
            switch error.resultCode {
            // This program writes no row that breaks a constraint or has a value of the wrong type.
            case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_CONSTRAINT,
                .SQLITE_MISMATCH:
                true
            default: error.extendedResultCode == .SQLITE_IOERR_SHORT_READ
            }
        default: false
        }
    }

    /// Returns the error that names the file, or `error` itself if it is not about the file.
    static func named(_ error: any Error, _ path: String) -> any Error {
        if error is DaybookError { return error }
        let failure = error as? DatabaseError
        let reason =
            failure.map { $0.message ?? "\($0.resultCode)" } ?? "a row can't be read: \(error)"
        if isDamage(error) {
            let line = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
            return DaybookError(
                .damaged, "\(path) is damaged: \(line); remove it to rebuild it")
        }
        switch failure?.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM,
            .SQLITE_AUTH, .SQLITE_NOLFS:
            return DaybookError(.storage, "\(path) can't be read or written: \(reason)")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return DaybookError(
                .unavailable, "another process uses \(path): \(reason); stop it first")
        default: return error
        }
    }
}
