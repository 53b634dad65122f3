import EventLog
import EventSourcing
import Foundation
import JSON
import Observability

/// One generation of the journal on disk: a log whose events are parts of commits.
final class JournalFile {
    /// The size of a segment's file, in bytes.
    private static let segmentBytes = 4 << 20

    /// A place between two commits from which to read.
    struct Cursor: Sendable {
        fileprivate var read: LogRead
        fileprivate var parts = JournalParts()

        /// Starts after `position`, at which a commit ended.
        init(after position: UInt64) { read = LogRead(from: position + 1) }
    }

    let path: String
    private let storage: FileStorage
    private var log: EventLog
    private let stream: StreamName

    /// Opens the journal in the folder at `path`, or creates it.
    ///
    /// - Throws: `damaged` if it is damaged or its identity is not `id`.
    init(_ path: String, id: EventID) throws {
        self.path = path
        stream = try StreamName(category: "bus", id: "journal")
        do {
            storage = try FileStorage(folder: path)
            let background = DispatchQueue(label: "journal", qos: .utility)
            log = try EventLog(
                in: storage, segmentBytes: Self.segmentBytes, newID: id,
                background: { work in background.async(execute: work) }, now: { .now() })
        } catch {
            throw Self.problem(error, with: path)
        }
        guard log.id == id else {
            throw DaybookError(
                .damaged,
                "\(path) is the bus's journal of another log; restore this log's "
                    + "journal, or remove the folders of the journal and of the bus to "
                    + "route the log again from its beginning")
        }
    }

    /// The position at which the last commit ended, or 0.
    var head: UInt64 { log.head }

    /// Writes a commit. It is on disk when this returns.
    ///
    /// - Returns: the position at which the commit ends.
    func append(_ record: JournalRecord) throws -> UInt64 {
        do {
            for part in JournalParts.cut(try record.encoded()) {
                var bytes: [UInt8] = []
                try NewEvent(
                    stream: stream, type: "Commit", contentType: "application/octet-stream",
                    data: part
                ).encode(into: &bytes)
                _ = try log.stage(bytes.span)
            }
            try log.commit()
            return log.head
        } catch {
            throw Self.problem(error, with: path)
        }
    }

    /// Returns the next commits, each with the position at which it ends. Empty at the end.
    func next(
        _ cursor: inout Cursor
    ) throws -> [(record: JournalRecord, position: UInt64)] {
        var records: [(JournalRecord, UInt64)] = []
        var position: UInt64 = 0
        do {
            while records.isEmpty {
                let chunk = try log.read(&cursor.read)
                guard !chunk.bytes.isEmpty else { break }
                for event in try RecordSequence(chunk.bytes[...]) {
                    position = event.position
                    if let commit = try cursor.parts.append(event.data[...]) {
                        records.append((try JournalRecord(commit[...]), position))
                    }
                }
            }
        } catch let error as DecodingError {
            throw Self.unreadable(path, position, error.oneLine)
        } catch let error as JournalFormatError {
            throw Self.unreadable(path, position, error.description)
        } catch {
            throw Self.problem(error, with: path)
        }
        return records
    }

    /// The size of its files in bytes, including the one that is still being filled.
    func size() throws -> Int {
        try storage.names().count { $0.hasSuffix(".segment") } * Self.segmentBytes
    }

    /// Closes the journal with a marker, so that a later open takes nothing for a torn commit. It
    /// can't be written to afterwards.
    func close() throws {
        do {
            try log.close()
        } catch {
            throw Self.problem(error, with: path)
        }
    }

    /// Renames the folder of the closed journal to `path` in one atomic step.
    func move(to path: String) throws {
        do {
            try storage.move(to: path)
        } catch {
            throw Self.problem(error, with: path)
        }
    }

    // MARK: Problems

    private static let remedy =
        "restore the journal from a backup, or remove the folders of the journal and of the bus "
        + "to route the log again from its beginning"

    private static func unreadable(
        _ path: String, _ position: UInt64, _ reason: String
    ) -> DaybookError {
        DaybookError(
            .damaged,
            "the commit at position \(position) of the bus's journal \(path) can't be "
                + "read: \(reason); \(remedy)")
    }

    private static func problem(_ error: any Error, with path: String) -> any Error {
        switch error {
        case let error as StorageError:
            DaybookError(.storage, "the bus's journal \(path): \(error)")
        case LogError.storage(let error):
            DaybookError(.storage, "the bus's journal \(path): \(error)")
        case AppendError.log(let error): problem(error, with: path)
        case let error as LogError:
            DaybookError(
                .damaged, "the bus's journal \(path) can't be used: \(error); \(remedy)")
        default: error
        }
    }
}
