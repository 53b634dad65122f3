import EventSourcing
import TestSupport
import Testing
import WireProtocol

@testable import EventBus

@Suite(.mayBlock) struct `Journal records` {
    @Test(arguments: 0..<300 as Range<UInt64>)
    func `Decoded journal record equals the encoded one`(seed: UInt64) throws {
        var random = Records(seed: seed)
        let record = random.record()
        #expect(try JournalRecord(try record.encoded()[...]) == record)
    }

    /// Truncates every second record, and changes a few bytes of the others.
    @Test(arguments: 0..<100 as Range<UInt64>)
    func `Damaged journal record is rejected or decodes to another encodable record`(
        seed: UInt64
    ) throws {
        var random = Records(seed: seed)
        let record = random.record()
        let bytes = try record.encoded()
        for number in 1...50 {
            var damaged = bytes
            if number.isMultiple(of: 2) {
                damaged.removeLast(.random(in: 1...damaged.count, using: &random.source))
                #expect(throws: (any Error).self) { try JournalRecord(damaged[...]) }
                continue
            }
            for _ in 1...3 {
                let place = Int.random(in: damaged.indices, using: &random.source)
                damaged[place] = .random(in: 0...255, using: &random.source)
            }
            guard let other = try? JournalRecord(damaged[...]) else { continue }
            // Any record that can be read can be written again.
            #expect(try JournalRecord(try other.encoded()[...]) == other)
        }
    }

    @Test func `Journal record of a later format version is rejected`() throws {
        var bytes = try JournalRecord().encoded()
        bytes[0] = 2
        #expect {
            try JournalRecord(bytes[...])
        } throws: {
            "\($0)" == "it has format version 2; this program reads 1"
        }
    }

    @Test func `Journal record keeps numbers at their limits`() throws {
        var record = JournalRecord()
        record.routed = .max
        record.time = BusTime(
            running: RunningTime(microseconds: .max), log: Timestamp(microseconds: .min))
        var writes = QueueWrites(id: .min)
        writes.counters = QueueCounters(
            isPaused: true, phase: .filling(through: .max), lastSequence: .max,
            acknowledged: .max, dropped: .max, lastLease: .max)
        for sequence in [0, 1, .max - 1, .max] as [UInt64] {
            writes.remove(sequence)
            var entry = QueueEntry(
                sequence: sequence, position: .max - sequence,
                group: GroupKey(high: .max, low: 0), enqueuedAt: Timestamp(microseconds: .min),
                receives: .max, firstReceivedAt: Timestamp(microseconds: .max),
                notBefore: RunningTime(microseconds: .min))
            entry.lease = Lease(
                number: .max, consumer: "", token: .none, visibility: .zero,
                expires: RunningTime(microseconds: .min))
            writes.add(entry)
        }
        record.batch.queues[.min] = writes
        #expect(try JournalRecord(try record.encoded()[...]) == record)
    }
}

@Suite(.mayBlock) struct `Journal parts` {
    @Test(arguments: [0, 1, 1000, 512 << 10, (512 << 10) + 1, 3_000_000])
    func `Parts of a commit are reassembled to the original bytes`(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var parts = JournalParts()
        let cut = JournalParts.cut(bytes)
        #expect(cut.count == max(1, (count + (512 << 10) - 1) / (512 << 10)))
        for part in cut.dropLast() { #expect(try parts.append(part[...]) == nil) }
        #expect(try parts.append(try #require(cut.last)[...]) == bytes)
    }

    @Test func `Parts of an unfinished commit are dropped when the next commit begins`() throws {
        let cut = JournalParts.cut([UInt8](repeating: 1, count: 2_000_000))
        var parts = JournalParts()
        for part in cut.dropLast() { #expect(try parts.append(part[...]) == nil) }
        #expect(try parts.append(JournalParts.cut([7])[0][...]) == [7])
    }

    @Test func `Part is rejected if it is empty, malformed or lacks its beginning`() throws {
        let cut = JournalParts.cut([UInt8](repeating: 1, count: 2_000_000))
        var parts = JournalParts()
        #expect(throws: DaybookError.self) { try parts.append(cut[1][...]) }
        #expect(throws: DaybookError.self) { try parts.append([]) }
        #expect(throws: DaybookError.self) { try parts.append([4, 1]) }
    }
}

/// Generates random records from a seed: typical ones of the bus, and unusual ones.
struct Records {
    var source: SplitMix
    private(set) var last: UInt64 = 1 << 28

    init(seed: UInt64) { source = SplitMix(state: seed) }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &source) < percent
    }

    mutating func number(_ maximum: UInt64 = 1000) -> UInt64 {
        .random(in: 0...maximum, using: &source)
    }

    private mutating func time() -> Timestamp {
        Timestamp(
            microseconds: .random(in: 1_700_000_000_000_000...1_800_000_000_000_000, using: &source)
        )
    }

    private mutating func text() -> String {
        ["", "r", "orders", "naïve", String(repeating: "x", count: 300)]
            .randomElement(using: &source) ?? ""
    }

    mutating func record() -> JournalRecord {
        var record = JournalRecord()
        record.routed = number(1 << 40)
        record.time = BusTime(
            running: RunningTime(microseconds: Int64(number(1 << 40))), log: time())
        for id in 1...4 as ClosedRange<Int64> where chance(60) {
            record.batch.queues[id] = writes(id)
        }
        for name in ["a", "b", "c"] where chance(20) {
            record.batch.rules[name] =
                chance(30)
                ? .some(nil)
                : RuleRow(
                    rule: RuleDefinition(name: name, pattern: "{}", targets: ["q"]),
                    changedAt: time(), changedBy: text())
            record.batch.replays[name] = ReplayRow(
                definition: ReplayDefinition(name: name, queue: "q"), state: .running,
                startedAt: time(), startedBy: text(), first: number(), last: number(),
                position: number(), delivered: number())
            record.batch.archives[name] =
                chance(30)
                ? .some(nil)
                : ArchiveRow(
                    definition: ArchiveDefinition(name: name, place: "/a"), createdAt: time(),
                    createdBy: text())
        }
        for _ in 0..<number(3) {
            let letter = letter()
            record.batch.newDeadLetters[letter.id] = letter
        }
        for _ in 0..<number(3) { record.batch.closedDeadLetters.insert(number(20)) }
        return record
    }

    private mutating func writes(_ id: Int64) -> QueueWrites {
        var writes = QueueWrites(id: id)
        writes.isDeleted = chance(5)
        if writes.isDeleted || chance(20) {
            writes.definition = QueueDefinition(name: "q\(id)", visibilityTimeout: 1.5)
        }
        writes.counters = QueueCounters(
            isPaused: chance(20),
            phase: [.live, .unstarted, .filling(through: number())].randomElement(using: &source)
                ?? .live, lastSequence: last, acknowledged: number(), dropped: number(),
            lastLease: number())
        if chance(5) { writes.purge(through: last) }
        for _ in 0..<number(20) { writes.remove(last - min(number(60), last)) }
        for _ in 0..<number(20) {
            let sequence = nextSequence()
            let entry = entry(chance(80) ? sequence : sequence - min(number(60), sequence))
            if chance(70) { writes.add(entry) } else { writes.change(entry) }
        }
        return writes
    }

    mutating func nextSequence() -> UInt64 {
        last += 1 + number(2)
        return last
    }

    mutating func entry(_ sequence: UInt64) -> QueueEntry {
        var entry = QueueEntry(
            sequence: sequence, position: number(1 << 30),
            rule: text(), replay: chance(20) ? text() : nil,
            group: GroupKey(high: number(.max), low: number(.max)), enqueuedAt: time())
        if chance(50) { (entry.receives, entry.firstReceivedAt) = (Int(number()), time()) }
        if chance(20) { entry.notBefore = RunningTime(microseconds: Int64(number(1 << 50))) }
        if chance(20) { entry.error = text() }
        if chance(40) {
            entry.lease = Lease(
                number: number(), consumer: text(), token: EventID(high: number(), low: number()),
                visibility: .milliseconds(Int64(number())),
                expires: RunningTime(microseconds: Int64(number(1 << 50))))
        }
        return entry
    }

    mutating func letter() -> DeadLetterRow {
        let letter = DeadLetter(
            queue: "q1", rule: text(), replay: chance(20) ? text() : nil, position: number(),
            event: EventID(high: number(), low: number()), type: text(), sequence: number(),
            group: text(), cause: .maximumAge, error: chance(50) ? text() : nil, receives: 3,
            enqueuedAt: time(), firstReceivedAt: chance(50) ? time() : nil)
        return DeadLetterRow(
            id: number(20), letter: letter, group: GroupKey(high: number(.max), low: number()),
            diedAt: time())
    }
}
