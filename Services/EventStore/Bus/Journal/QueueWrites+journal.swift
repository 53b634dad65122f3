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

    /// Returns the flags of an entry after another, except `isNew`.
    static func all(of entry: QueueEntry, after before: QueueEntry) -> UInt8 {
        var fields: UInt8 = 0
        if entry.rule != before.rule || entry.replay != before.replay { fields |= source }
        if entry.receives != 0 || entry.firstReceivedAt != nil { fields |= receives }
        if entry.notBefore != nil { fields |= notBefore }
        if entry.error != nil { fields |= error }
        if entry.lease != nil { fields |= lease }
        return fields
    }
}

extension QueueWrites {
    /// The largest number of entries that one commit may remove. It is far above the number in
    /// memory. It keeps damaged input from reserving much memory.
    private static let maximumRemoved: UInt64 = 1 << 20

    private var parts: UInt8 {
        var parts: UInt8 = isDeleted ? Part.deletion : 0
        if definition != nil { parts |= Part.definition }
        if counters != nil { parts |= Part.counters }
        if purgedThrough != nil { parts |= Part.purge }
        return parts
    }

    /// Writes the changes of a queue, or reads some if `given` is nil, and returns them.
    ///
    /// - Parameter time: the time of the record, from which times are coded as differences.
    static func code(
        _ given: QueueWrites?, _ coder: inout JournalCoder, at time: BusTime
    ) throws -> QueueWrites {
        var read = QueueWrites(id: try coder.signed(given?.id))
        let parts = try coder.byte(given?.parts)
        try require(
            parts & ~Part.all == 0, .damaged, "unknown parts of a queue's changes: \(parts)")
        read.isDeleted = parts & Part.deletion != 0
        if parts & Part.definition != 0 { read.definition = try coder.json(given?.definition) }
        if parts & Part.counters != 0 { read.counters = try coder.counters(given?.counters) }
        if parts & Part.purge != 0 { read.purge(through: try coder.number(given?.purgedThrough)) }
        let runs = given?.removed.runs
        var (last, count): (UInt64, UInt64) = (0, 0)
        for index in 0..<(try coder.count(runs?.count)) {
            let run = runs?[index]
            let first = try coder.number(run?.lowerBound, from: last)
            let length = try coder.number(run.map { $0.upperBound - $0.lowerBound })
            try require(
                length < maximumRemoved - count && first <= .max - length, .damaged,
                "a commit removes more than \(maximumRemoved) entries of a queue")
            (last, count) = (first + length, count + length + 1)
            if run == nil { for sequence in first...last { read.remove(sequence) } }
        }
        let sequences = given?.puts.keys.sorted()
        var before = QueueEntry(sequence: 0, position: 0, group: .none, enqueuedAt: time.log)
        for index in 0..<(try coder.count(sequences?.count)) {
            let put = sequences.flatMap { given?.put($0[index]) }
            let (entry, isNew) = try coder.entry(put, after: &before, at: time.running)
            if put == nil { isNew ? read.add(entry) : read.change(entry) }
        }
        return given ?? read
    }
}

extension JournalCoder {
    fileprivate mutating func counters(
        _ given: QueueCounters?
    ) throws(DaybookError) -> QueueCounters {
        QueueCounters(
            isPaused: try flag(given?.isPaused), phase: try phase(given?.phase),
            lastSequence: try number(given?.lastSequence),
            acknowledged: try number(given?.acknowledged), dropped: try number(given?.dropped),
            lastLease: try number(given?.lastLease))
    }

    private mutating func phase(_ given: QueuePhase?) throws(DaybookError) -> QueuePhase {
        let (kind, position): (UInt8?, UInt64?) =
            switch given {
            case nil: (nil, nil)
            case .live: (0, nil)
            case .unstarted: (1, nil)
            case .filling(let position): (2, position)
            }
        switch try byte(kind) {
        case 0: return .live
        case 1: return .unstarted
        case 2: return .filling(through: try number(position))
        case let other: throw DaybookError(.damaged, "unknown phase of a queue: \(other)")
        }
    }

    /// Codes an entry, and whether it is new.
    ///
    /// - Parameters:
    ///   - before: the previous entry, with the last lease so far. Only differences to it are
    ///     coded, because most fields are the same.
    ///   - running: the record's time, from which times are coded as differences.
    fileprivate mutating func entry(
        _ given: (entry: QueueEntry, isNew: Bool)?, after before: inout QueueEntry,
        at running: RunningTime
    ) throws(DaybookError) -> (QueueEntry, isNew: Bool) {
        let fields = try byte(
            given.map { Field.all(of: $0.entry, after: before) | ($0.isNew ? Field.isNew : 0) })
        try require(fields & ~Field.all == 0, .damaged, "unknown fields of an entry: \(fields)")
        let given = given?.entry
        var entry = QueueEntry(
            sequence: try number(given?.sequence, from: before.sequence),
            position: try number(given?.position, from: before.position),
            rule: before.rule, replay: before.replay, group: try id(given?.group),
            enqueuedAt: try time(given?.enqueuedAt, from: before.enqueuedAt))
        if fields & Field.source != 0 {
            entry.rule = try text(given?.rule)
            let isReplayed = try flag(given.map { $0.replay != nil })
            entry.replay = isReplayed ? try text(given?.replay) : nil
        }
        if fields & Field.receives != 0 {
            entry.receives = Int(try signed(given.map { Int64($0.receives) }))
            if try flag(given.map { $0.firstReceivedAt != nil }) {
                entry.firstReceivedAt = try time(given?.firstReceivedAt, from: entry.enqueuedAt)
            }
        }
        if fields & Field.notBefore != 0 {
            entry.notBefore = try time(given?.notBefore, from: running)
        }
        if fields & Field.error != 0 { entry.error = try text(given?.error) }
        if fields & Field.lease != 0 {
            entry.lease = try lease(given?.lease, after: before.lease, at: running)
        }
        let lease = entry.lease ?? before.lease
        before = entry
        before.lease = lease
        return (entry, fields & Field.isNew != 0)
    }

    fileprivate mutating func lease(
        _ given: Lease?, after before: Lease?, at running: RunningTime
    ) throws(DaybookError) -> Lease {
        let isOfSame = try flag(
            given.map { $0.consumer == before?.consumer && $0.token == before?.token })
        let (consumer, token): (String, EventID)
        if isOfSame {
            let before = try before.orThrow(.damaged, "the first lease refers to an earlier one")
            (consumer, token) = (before.consumer, before.token)
        } else {
            (consumer, token) = (try text(given?.consumer), try id(given?.token))
        }
        return Lease(
            number: try number(given?.number), consumer: consumer, token: token,
            visibility: .microseconds(try signed(given?.visibility.microseconds)),
            expires: try time(given?.expires, from: running))
    }
}

extension Lease {
    /// Returns the lease's encoding in a column of the cache.
    func stored() throws(DaybookError) -> [UInt8] {
        var coder = JournalCoder()
        _ = try coder.lease(self, after: nil, at: .zero)
        return coder.bytes
    }

    init(stored: Data) throws {
        do {
            var coder = JournalCoder(stored)
            self = try coder.lease(nil, after: nil, at: .zero)
            try coder.checkEnd()
        } catch {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: "a lease: \(error)"))
        }
    }
}
