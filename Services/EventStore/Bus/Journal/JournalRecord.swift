import EventSourcing
import Foundation
import WireProtocol

/// A commit of the bus: the changes, its time, and the position up to which the log is routed.
struct JournalRecord: Hashable, Sendable {
    private static let version: UInt8 = 1

    /// The position up to which events are routed.
    var routed: UInt64 = 0
    var time = BusTime(running: .zero, log: Timestamp(microseconds: 0))
    var batch = WriteBatch()

    /// Adds the changes of the next commit.
    mutating func append(_ next: JournalRecord) {
        (routed, time) = (next.routed, next.time)
        batch.append(next.batch)
    }

    // MARK: As bytes

    func encoded() throws -> [UInt8] {
        var writer = JournalWriter()
        writer.byte(Self.version)
        writer.number(routed)
        writer.signed(time.running.microseconds)
        writer.signed(time.log.microseconds)
        writer.count(batch.queues.count)
        for queue in batch.queues.values.sorted(by: { $0.id < $1.id }) {
            try queue.write(to: &writer, at: time)
        }
        try writer.changes(batch.rules) { writer, row in
            try writer.json(row.rule)
            writer.signed(row.changedAt.microseconds)
            writer.text(row.changedBy)
        }
        writer.count(batch.newDeadLetters.count)
        for row in batch.newDeadLetters.values {
            writer.number(row.id)
            writer.word(row.group.high)
            writer.word(row.group.low)
            writer.signed(row.diedAt.microseconds)
            try writer.json(row.letter)
        }
        writer.count(batch.endedDeadLetters.count)
        for id in batch.endedDeadLetters { writer.number(id) }
        try writer.changes(batch.replays.mapValues(Optional.some)) { try $0.json($1) }
        try writer.changes(batch.archives) { try $0.json($1) }
        return writer.bytes
    }

    init(
        routed: UInt64 = 0,
        time: BusTime = BusTime(running: .zero, log: Timestamp(microseconds: 0)),
        batch: WriteBatch = WriteBatch()
    ) {
        self.routed = routed
        self.time = time
        self.batch = batch
    }

    /// Decodes a record.
    ///
    /// - Throws: `JournalFormatError` or `DecodingError` for bytes that are not a record of this
    ///   version.
    init(_ bytes: ArraySlice<UInt8>) throws {
        var reader = JournalReader(bytes)
        let version = try reader.byte()
        guard version == Self.version else {
            throw JournalFormatError(
                "it has format version \(version); this program reads \(Self.version)")
        }
        routed = try reader.number()
        time = BusTime(
            running: RunningTime(microseconds: try reader.signed()),
            log: Timestamp(microseconds: try reader.signed()))
        for _ in 0..<(try reader.count()) {
            let queue = try QueueWrites(&reader, at: time)
            batch.queues[queue.id] = queue
        }
        batch.rules = try reader.changes { reader in
            RuleRow(
                rule: try reader.json(RuleDefinition.self),
                changedAt: Timestamp(microseconds: try reader.signed()),
                changedBy: try reader.text())
        }
        for _ in 0..<(try reader.count()) {
            let id = try reader.number()
            let group = GroupKey(high: try reader.word(), low: try reader.word())
            let diedAt = Timestamp(microseconds: try reader.signed())
            batch.newDeadLetters[id] = DeadLetterRow(
                id: id, letter: try reader.json(DeadLetter.self), group: group, diedAt: diedAt)
        }
        for _ in 0..<(try reader.count()) { batch.endedDeadLetters.insert(try reader.number()) }
        batch.replays = try reader.changes { try $0.json(ReplayRow.self) }.compactMapValues(\.self)
        batch.archives = try reader.changes { try $0.json(ArchiveRow.self) }
        try reader.checkEnd()
    }
}

extension JournalWriter {
    /// Writes changes by name. A nil row was removed.
    fileprivate mutating func changes<Row>(
        _ rows: [String: Row?], _ write: (inout JournalWriter, Row) throws -> Void
    ) throws {
        count(rows.count)
        for (name, row) in rows.sorted(by: { $0.key < $1.key }) {
            text(name)
            byte(row == nil ? 0 : 1)
            if let row { try write(&self, row) }
        }
    }
}

extension JournalReader {
    fileprivate mutating func changes<Row>(
        _ read: (inout JournalReader) throws -> Row
    ) throws -> [String: Row?] {
        var rows: [String: Row?] = [:]
        for _ in 0..<(try count()) {
            let name = try text()
            switch try byte() {
            case 0: rows[name] = .some(nil)
            case 1: rows[name] = .some(try read(&self))
            case let kind: throw JournalFormatError("unknown kind of change \(kind)")
            }
        }
        return rows
    }
}
