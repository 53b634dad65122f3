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
}

// MARK: - As bytes

extension JournalRecord {
    func encoded() throws -> [UInt8] {
        var coder = JournalCoder()
        _ = try Self.code(self, &coder)
        return coder.bytes
    }

    /// Decodes a record.
    ///
    /// - Throws: `damaged` or `DecodingError` for bytes that are not a record of this
    ///   version.
    init(_ bytes: ArraySlice<UInt8>) throws {
        var coder = JournalCoder(bytes)
        self = try Self.code(nil, &coder)
        try coder.checkEnd()
    }

    private static func code(
        _ given: JournalRecord?, _ coder: inout JournalCoder
    ) throws -> JournalRecord {
        let version = try coder.byte(given == nil ? nil : version)
        try require(
            version == Self.version, .damaged,
            "it has format version \(version); this program reads \(Self.version)")
        var record = JournalRecord()
        record.routed = try coder.number(given?.routed)
        let time = BusTime(
            running: try coder.time(given?.time.running), log: try coder.time(given?.time.log))
        record.time = time
        let batch = given?.batch
        let queues = try coder.list(batch?.queues.values.sorted { $0.id < $1.id }) {
            try QueueWrites.code($1, &$0, at: time)
        }
        for queue in queues { record.batch.queues[queue.id] = queue }
        record.batch.rules = try coder.changes(batch?.rules) { coder, row in
            RuleRow(
                rule: try coder.json(row?.rule), changedAt: try coder.time(row?.changedAt),
                changedBy: try coder.text(row?.changedBy))
        }
        let letters = try coder.list(batch.map { Array($0.newDeadLetters.values) }) { coder, row in
            let (id, group) = (try coder.number(row?.id), try coder.id(row?.group))
            let diedAt = try coder.time(row?.diedAt)
            return DeadLetterRow(
                id: id, letter: try coder.json(row?.letter), group: group, diedAt: diedAt)
        }
        for letter in letters { record.batch.newDeadLetters[letter.id] = letter }
        let ended = try coder.list(batch.map { Array($0.closedDeadLetters) }) { try $0.number($1) }
        record.batch.closedDeadLetters = Set(ended)
        let replays = batch?.replays.mapValues(Optional.some)
        record.batch.replays = try coder.changes(replays) { try $0.json($1) }
            .compactMapValues(\.self)
        record.batch.archives = try coder.changes(batch?.archives) { try $0.json($1) }
        return record
    }
}

extension JournalCoder {
    /// Codes changes by name. A nil row was removed.
    fileprivate mutating func changes<Row>(
        _ rows: [String: Row?]?, _ code: (inout JournalCoder, Row?) throws -> Row
    ) throws -> [String: Row?] {
        let changes = try list(rows?.sorted { $0.key < $1.key }) { coder, change in
            let name = try coder.text(change?.key)
            let kind = try coder.byte(change.map { $0.value == nil ? 0 : 1 })
            guard kind <= 1 else { throw DaybookError(.damaged, "unknown kind of change \(kind)") }
            return (key: name, value: kind == 0 ? nil : try code(&coder, change?.value ?? nil))
        }
        return Dictionary(changes) { $1 }
    }
}
