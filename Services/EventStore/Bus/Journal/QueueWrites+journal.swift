import EventSourcing
import Foundation
import WireProtocol

/// Flags for the parts of a queue's changes that a record contains.
private enum Part {
    static let deletion: UInt8 = 1
    static let definition: UInt8 = 2
    static let counters: UInt8 = 4
    static let purge: UInt8 = 8
    static let all: UInt8 = 15
}

/// Flags for the fields of an entry that a record contains.
private enum Field {
    /// The entry is new.
    static let isNew: UInt8 = 1
    /// The entry's rule or replay differs from the previous entry's.
    static let source: UInt8 = 2
    static let receives: UInt8 = 4
    static let notBefore: UInt8 = 8
    static let error: UInt8 = 16
    static let lease: UInt8 = 32
    static let all: UInt8 = 63
}

extension QueueWrites {
    /// The largest number of entries that one commit may remove. It is far above the number in
    /// memory. It keeps damaged input from reserving much memory.
    private static let maximumRemoved = 1 << 20
    private static let tooMany = JournalFormatError(
        "a commit removes more than \(maximumRemoved) entries of a queue")

    /// Encodes the queue's changes.
    ///
    /// - Parameter time: the time of the record, from which times are written as differences.
    func write(to writer: inout JournalWriter, at time: BusTime) throws {
        writer.signed(id)
        var parts: UInt8 = isDeleted ? Part.deletion : 0
        if definition != nil { parts |= Part.definition }
        if counters != nil { parts |= Part.counters }
        if purgedThrough != nil { parts |= Part.purge }
        writer.byte(parts)
        if let definition { try writer.json(definition) }
        if let counters { writer.counters(counters) }
        if let purgedThrough { writer.number(purgedThrough) }
        guard removed.count <= Self.maximumRemoved else { throw Self.tooMany }
        let runs = removed.runs
        writer.count(runs.count)
        var last: UInt64 = 0
        for run in runs {
            writer.number(run.lowerBound, from: last)
            writer.number(run.upperBound - run.lowerBound)
            last = run.upperBound
        }
        writer.count(puts.count)
        var before = EntryBefore(time)
        for entry in puts.values.sorted(by: { $0.sequence < $1.sequence }) {
            writer.entry(entry, isNew: added.contains(entry.sequence), after: &before)
        }
    }

    init(_ reader: inout JournalReader, at time: BusTime) throws {
        self.init(id: try reader.signed())
        let parts = try reader.byte()
        guard parts & ~Part.all == 0 else {
            throw JournalFormatError("unknown parts of a queue's changes: \(parts)")
        }
        isDeleted = parts & Part.deletion != 0
        if parts & Part.definition != 0 { definition = try reader.json(QueueDefinition.self) }
        if parts & Part.counters != 0 { counters = try reader.counters() }
        if parts & Part.purge != 0 { purge(through: try reader.number()) }
        var last: UInt64 = 0
        for _ in 0..<(try reader.count()) {
            let first = try reader.number(from: last)
            let length = try reader.number()
            guard length < Self.maximumRemoved - removed.count, first <= .max - length else {
                throw Self.tooMany
            }
            last = first + length
            for sequence in first...last { remove(sequence) }
        }
        var before = EntryBefore(time)
        for _ in 0..<(try reader.count()) {
            let (entry, isNew) = try reader.entry(after: &before)
            if isNew { add(entry) } else { change(entry) }
        }
    }
}

/// The previously encoded entry. Only differences to it are written, because most fields are the
/// same.
private struct EntryBefore {
    var sequence: UInt64 = 0
    var position: UInt64 = 0
    var enqueuedAt: Int64
    var rule = ""
    var replay: String?
    let running: Int64
    var lease: Lease?

    init(_ time: BusTime) {
        enqueuedAt = time.log.microseconds
        running = time.running.microseconds
    }

    mutating func become(_ entry: QueueEntry) {
        (sequence, position) = (entry.sequence, entry.position)
        enqueuedAt = entry.enqueuedAt.microseconds
        (rule, replay) = (entry.rule, entry.replay)
        lease = entry.lease ?? lease
    }
}

extension JournalWriter {
    fileprivate mutating func counters(_ counters: QueueCounters) {
        byte(counters.isPaused ? 1 : 0)
        switch counters.phase {
        case .live: byte(0)
        case .unstarted: byte(1)
        case .filling(let through):
            byte(2)
            number(through)
        }
        number(counters.lastSequence)
        number(counters.acknowledged)
        number(counters.dropped)
        number(counters.lastLease)
    }

    fileprivate mutating func entry(
        _ entry: QueueEntry, isNew: Bool, after before: inout EntryBefore
    ) {
        let hasSource = entry.rule != before.rule || entry.replay != before.replay
        let hasReceives = entry.receives != 0 || entry.firstReceivedAt != nil
        var fields: UInt8 = isNew ? Field.isNew : 0
        if hasSource { fields |= Field.source }
        if hasReceives { fields |= Field.receives }
        if entry.notBefore != nil { fields |= Field.notBefore }
        if entry.error != nil { fields |= Field.error }
        if entry.lease != nil { fields |= Field.lease }
        byte(fields)
        number(entry.sequence, from: before.sequence)
        number(entry.position, from: before.position)
        word(entry.group.high)
        word(entry.group.low)
        signed(entry.enqueuedAt.microseconds, from: before.enqueuedAt)
        if hasSource {
            text(entry.rule)
            byte(entry.replay == nil ? 0 : 1)
            if let replay = entry.replay { text(replay) }
        }
        if hasReceives {
            signed(Int64(entry.receives))
            byte(entry.firstReceivedAt == nil ? 0 : 1)
            if let first = entry.firstReceivedAt {
                signed(first.microseconds, from: entry.enqueuedAt.microseconds)
            }
        }
        if let time = entry.notBefore { signed(time.microseconds, from: before.running) }
        if let error = entry.error { text(error) }
        if let lease = entry.lease { self.lease(lease, after: before.lease, at: before.running) }
        before.become(entry)
    }

    fileprivate mutating func lease(_ lease: Lease, after before: Lease?, at running: Int64) {
        let isOfSame = lease.consumer == before?.consumer && lease.token == before?.token
        byte(isOfSame ? 1 : 0)
        if !isOfSame {
            text(lease.consumer)
            word(lease.token.high)
            word(lease.token.low)
        }
        number(lease.number)
        signed(lease.visibility.microseconds)
        signed(lease.expires.microseconds, from: running)
    }
}

extension JournalReader {
    fileprivate mutating func flag() throws(JournalFormatError) -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        case let other: throw JournalFormatError("\(other) is neither 0 nor 1")
        }
    }

    fileprivate mutating func counters() throws(JournalFormatError) -> QueueCounters {
        var counters = QueueCounters()
        counters.isPaused = try flag()
        switch try byte() {
        case 0: counters.phase = .live
        case 1: counters.phase = .unstarted
        case 2: counters.phase = .filling(through: try number())
        case let phase: throw JournalFormatError("unknown phase of a queue: \(phase)")
        }
        counters.lastSequence = try number()
        counters.acknowledged = try number()
        counters.dropped = try number()
        counters.lastLease = try number()
        return counters
    }

    fileprivate mutating func entry(
        after before: inout EntryBefore
    ) throws(JournalFormatError) -> (QueueEntry, isNew: Bool) {
        let fields = try byte()
        guard fields & ~Field.all == 0 else {
            throw JournalFormatError("unknown fields of an entry: \(fields)")
        }
        let sequence = try number(from: before.sequence)
        let position = try number(from: before.position)
        let group = GroupKey(high: try word(), low: try word())
        let enqueuedAt = try signed(from: before.enqueuedAt)
        var entry = QueueEntry(
            sequence: sequence, position: position, rule: before.rule, replay: before.replay,
            group: group, enqueuedAt: Timestamp(microseconds: enqueuedAt))
        if fields & Field.source != 0 {
            entry.rule = try text()
            entry.replay = try flag() ? try text() : nil
        }
        if fields & Field.receives != 0 {
            entry.receives = Int(try signed())
            if try flag() {
                entry.firstReceivedAt = Timestamp(microseconds: try signed(from: enqueuedAt))
            }
        }
        if fields & Field.notBefore != 0 {
            entry.notBefore = RunningTime(microseconds: try signed(from: before.running))
        }
        if fields & Field.error != 0 { entry.error = try text() }
        if fields & Field.lease != 0 {
            entry.lease = try lease(after: before.lease, at: before.running)
        }
        before.become(entry)
        return (entry, fields & Field.isNew != 0)
    }

    fileprivate mutating func lease(
        after before: Lease?, at running: Int64
    ) throws(JournalFormatError) -> Lease {
        let (consumer, token): (String, EventID)
        if try flag() {
            guard let before else {
                throw JournalFormatError("the first lease refers to an earlier one")
            }
            (consumer, token) = (before.consumer, before.token)
        } else {
            (consumer, token) = (try text(), EventID(high: try word(), low: try word()))
        }
        return Lease(
            number: try number(), consumer: consumer, token: token,
            visibility: .microseconds(try signed()),
            expires: RunningTime(microseconds: try signed(from: running)))
    }
}

extension Lease {
    /// The lease's encoding in a column of the cache.
    var stored: [UInt8] {
        var writer = JournalWriter()
        writer.lease(self, after: nil, at: 0)
        return writer.bytes
    }

    init(stored: Data) throws {
        do {
            var reader = JournalReader(Array(stored)[...])
            self = try reader.lease(after: nil, at: 0)
            try reader.checkEnd()
        } catch {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: "a lease: \(error)"))
        }
    }
}
