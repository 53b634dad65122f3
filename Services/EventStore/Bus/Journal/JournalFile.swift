import EventLog
import EventSourcing
import Foundation
import JSON
import Observability

/// One generation of the journal on disk: a log whose events are parts of commits.
final class JournalFile {
    /// The size of a segment's file, in bytes.
    private static let segmentBytes = 4 << 20

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
        try require(
            log.id == id, .damaged,
            "\(path) is the bus's journal of another log; restore this log's journal, or remove "
                + "the folders of the journal and of the bus to route the log again from its "
                + "beginning")
    }

    /// The identity of the journal.
    var id: EventID { log.id }

    /// The position at which the last commit ended, or 0.
    var head: UInt64 { log.head }

    /// Writes a commit. It is on disk when this returns.
    ///
    /// - Returns: the position at which the commit ends.
    func append(_ record: JournalRecord) throws -> UInt64 {
        try naming {
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
        }
    }

    /// The commits after a position, in order.
    struct Records {
        fileprivate let file: JournalFile
        fileprivate var read: LogRead
        private var parts = JournalParts()
        private var events: RecordSequence.Iterator?

        fileprivate init(_ file: JournalFile, after position: UInt64) {
            self.file = file
            read = LogRead(from: position + 1)
        }

        /// Returns the next commit and the position at which it ends, or nil at the end of the
        /// journal.
        mutating func next() throws -> (record: JournalRecord, position: UInt64)? {
            try file.naming {
                while true {
                    while let event = events?.next() {
                        if let record = try commit(ended: event) { return (record, event.position) }
                    }
                    let chunk = try file.log.read(&read)
                    guard !chunk.bytes.isEmpty else { return nil }
                    events = try RecordSequence(chunk.bytes[...]).makeIterator()
                }
            }
        }

        /// Returns the commit if this is its last part.
        private mutating func commit(ended event: RecordedEvent) throws -> JournalRecord? {
            do {
                return try parts.append(event.data[...]).map { try JournalRecord($0[...]) }
            } catch let error as DecodingError {
                throw file.unreadable(event.position, error.oneLine)
            } catch let error as DaybookError {
                throw file.unreadable(event.position, error.description)
            }
        }
    }

    /// Returns the commits after `position`, at which one ended.
    func records(after position: UInt64) -> Records { Records(self, after: position) }

    /// The size of its files in bytes, including the one that is still being filled.
    func size() throws -> Int {
        try storage.names().count { $0.hasSuffix(".segment") } * Self.segmentBytes
    }

    /// Closes the journal with a marker, so that a later open takes nothing for a torn commit. It
    /// can't be written to afterwards.
    func close() throws {
        try naming { try log.close() }
    }

    /// Renames the folder of the closed journal to `path` in one atomic step.
    func move(to path: String) throws {
        try naming { try storage.move(to: path) }
    }

    // MARK: Problems

    private static let remedy =
        "restore the journal from a backup, or remove the folders of the journal and of the bus "
        + "to route the log again from its beginning"

    private func unreadable(_ position: UInt64, _ reason: String) -> DaybookError {
        DaybookError(
            .damaged,
            "the commit at position \(position) of the bus's journal \(path) can't be "
                + "read: \(reason); \(Self.remedy)")
    }

    private func naming<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw Self.problem(error, with: path)
        }
    }

    private static func problem(_ error: any Error, with path: String) -> any Error {
        switch error {
        case LogError.storage:
            DaybookError(.storage, "the bus's journal \(path): \(error)")
        case AppendError.log(let error): problem(error, with: path)
        case let error as LogError:
            DaybookError(
                .damaged, "the bus's journal \(path) can't be used: \(error); \(remedy)")
        default: error
        }
    }
}
