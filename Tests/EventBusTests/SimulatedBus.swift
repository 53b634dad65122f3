import EventSourcing
import JSON
import TestSupport
import Testing
import WireProtocol

@testable import EventBus

/// A bus without sockets, disk and clock: the owners of its state, a log and a journal in memory,
/// and consumers that fail.
struct SimulatedBus {
    private enum Item {
        case event(RecordedEvent)
        case deadLettered(EventID, DeadLetter)
        case redriven(UInt64)
        case changed(AfterDeath)
    }

    private struct Held {
        let delivery: Delivery
        let consumer: String
        let expires: RunningTime
    }

    private static let queue = "q"
    private static let route = Route(queue: queue, rule: "r")

    private var random: SplitMix
    private var now = BusTime(running: .zero, log: Timestamp(microseconds: 1_000_000))
    // In memory, lost by a crash.
    private var deliveries: Deliveries
    private var deadLetters = DeadLetters()
    private var commits: Commits
    private var routed: UInt64 = 0
    // On disk.
    private var log: [Item] = []
    private var journal = JournalRecord()
    // What the consumers know.
    private var held: [UInt64: Held] = [:]
    private var lastToken: UInt64 = 0
    /// The sequences of dead entries that are not dead letters yet.
    private var dying: Set<UInt64> = []

    private(set) var appended = 0
    private(set) var acknowledged: Set<UInt64> = []
    private(set) var acknowledgedByGroup: [EventID: [UInt64]] = [:]
    private(set) var crashes = 0
    private(set) var redriven = 0
    private(set) var repeated = 0
    private(set) var returned = 0
    private(set) var changes = 0
    private let changesAfterDeath: Bool

    /// - Parameter changesAfterDeath: whether the queue's groups wait behind dead letters only at
    ///   times.
    init(seed: UInt64, changesAfterDeath: Bool = false) throws {
        random = SplitMix(state: seed)
        self.changesAfterDeath = changesAfterDeath
        deliveries = Deliveries(window: 12, random: { 0.5 })
        commits = Commits(after: journal)
        putQueue(.wait)
        deliveries[Self.queue]?.start(at: 1)
        try commit()
    }

    private mutating func putQueue(_ afterDeath: AfterDeath) {
        let retry = RetryPolicy(maximumReceives: 2, maximumAge: 600, maximumBackoff: 20)
        deliveries.put(
            QueueDefinition(name: Self.queue, retry: retry, afterDeath: afterDeath), at: 1,
            now: now)
    }

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }

    // MARK: Steps

    mutating func step() throws {
        // No two events have the same time.
        now = now + .microseconds(1)
        switch Int.random(in: 0..<100, using: &random) {
        case ..<25: try appendEvent()
        case ..<50: try routeAll()
        case ..<70: try receive()
        case ..<82: try useDelivery()
        case ..<88: pass(.milliseconds(.random(in: 0...20_000, using: &random)))
        case ..<91: try release()
        case ..<95: try appendDeadLetters()
        case ..<97: redriveFirst()
        case ..<98: try commit()
        case ..<99: if changesAfterDeath { log.append(.changed(chance(50) ? .wait : .proceed)) }
        default: if chance(60) { try crash() }
        }
        carryOut()
        try check()
    }

    /// Routes and acknowledges everything, without failures.
    mutating func drain() throws {
        for _ in 0..<5_000 where acknowledged.count < appended {
            try appendDeadLetters()
            redriveFirst()
            try routeAll()
            pass(.seconds(1))
            try commit()
            try receive()
            while let delivery = nextHeld { try acknowledge(delivery) }
            carryOut()
        }
    }

    private mutating func appendEvent() throws {
        appended += 1
        let group = EventID(high: 1, low: .random(in: 0..<6, using: &random))
        log.append(
            .event(try .made(at: UInt64(log.count + 1), group: group, time: now.log)))
    }

    /// Routes the rest of the log.
    private mutating func routeAll() throws {
        while routed < log.count {
            // A commit while it is applied contains only what the events before it did.
            switch log[Int(routed)] {
            case .event(let event):
                #expect(deliveries.route(event, to: Self.route, at: now.log))
            case .deadLettered(_, let letter):
                let known = deliveries[Self.queue]?.place(of: letter)
                let place = try known ?? place(of: letter)
                let group = deliveries.deadLetter(letter, at: place, now: now)
                let row = DeadLetterRow(
                    id: routed + 1, letter: letter, group: group, diedAt: now.log)
                deadLetters.record(row)
                dying.remove(letter.sequence)
                commits.record(WriteBatch(newDeadLetters: [row.id: row]))
            case .redriven(let id): try endDeadLetter(id)
            case .changed(let afterDeath): try change(afterDeath)
            }
            routed += 1
        }
        deliveries.wake()
    }

    private mutating func change(_ afterDeath: AfterDeath) throws {
        let before = deliveries[Self.queue]?.row.definition.afterDeath
        changes += 1
        putQueue(afterDeath)
        guard before == .proceed, afterDeath == .wait else { return }
        try commit()
        blockDeadGroups()
    }

    private mutating func endDeadLetter(_ id: UInt64) throws {
        let recent = commits.deadLetter(id)
        let stored = recent.isClosed ? nil : journal.batch.newDeadLetters[id]
        guard let dead = recent.row ?? stored, let event = event(at: dead.letter.position) else {
            return
        }
        redriven += 1
        commits.record(WriteBatch(closedDeadLetters: [id]))
        deadLetters.recordClosed(dead)
        deliveries[Self.queue]?.closeLetter(of: dead.group)
        deliveries[Self.queue]?.restore(dead, event, at: now.log)
    }

    private func event(at position: UInt64) -> RecordedEvent? {
        if case .event(let event) = log[Int(position) - 1] { event } else { nil }
    }

    // MARK: Consumers

    private mutating func receive() throws {
        lastToken += 1
        let request = ReceiveRequest(
            queue: Self.queue, consumer: "\(Int.random(in: 0..<3, using: &random))",
            token: EventID(high: 3, low: lastToken), maximum: .random(in: 1...4, using: &random),
            visibilityTimeout: .random(in: 1...30, using: &random), wait: 0)
        let receive = try deliveries.receive(request, at: now.running)
        deliveries.begin(receive, at: now.running)
        var received = deliveries.lease(for: receive, at: now)
        while case .needsLoad(let sequence) = received {
            try commit()
            received = deliveries.lease(for: receive, lastLoad: sequence, at: now)
        }
        guard case .deliveries(let leased) = received else {
            deliveries.end(receive, with: nil, at: now.running)
            return
        }
        let events = Dictionary(
            uniqueKeysWithValues: leased.compactMap { leased in
                event(at: leased.entry.position).map { ($0.position, $0) }
            })
        let delivered = deliveries.deliver(leased, of: events, to: receive, at: now)
        #expect(delivered.count == leased.count)
        deliveries.end(receive, with: try Delivery.frame(delivered), at: now.running)
        try commit()
        for delivery in delivered { hold(delivery, request) }
        guard chance(20) else { return }
        // The answer was lost, and the consumer repeats the receive.
        repeated += 1
        if chance(30) { try crash() }
        let again = try deliveries.receive(request, at: now.running)
        if deliveries.isRepeat(again) {
            #expect(try deliveries.answer(to: again) == Delivery.frame(delivered))
        } else {
            deliveries.begin(again, at: now.running)
            let received = deliveries.lease(for: again, at: now)
            guard case .deliveries(let found) = received else {
                Issue.record("the deliveries are lost: \(received)")
                return
            }
            #expect(Set(found.map(\.lease)) == Set(leased.map(\.lease)))
        }
    }

    private mutating func hold(_ delivery: Delivery, _ request: ReceiveRequest) {
        let sequence = delivery.sequence
        #expect(!acknowledged.contains(delivery.event.position))
        let earlier = held[sequence]
        let mayExpire = earlier.map { $0.expires <= now.running } ?? true
        #expect(mayExpire, "two consumers hold an event")
        held[sequence] = Held(
            delivery: delivery, consumer: request.consumer,
            expires: now.running + .seconds(request.visibilityTimeout ?? 30))
    }

    private var nextHeld: Delivery? { held.min { $0.key < $1.key }?.value.delivery }

    private mutating func useDelivery() throws {
        guard let delivery = nextHeld else { return }
        guard chance(45) else { return try acknowledge(delivery) }
        if chance(25) {
            returned += 1
            if try apply(.returned, to: delivery) { try commit() }
            held[delivery.sequence] = nil
            return
        }
        let failure = Acknowledgement.Verdict.failed(error: "no", delay: nil)
        if try apply(failure, to: delivery) { try commit() }
        held[delivery.sequence] = nil
    }

    private mutating func acknowledge(_ delivery: Delivery) throws {
        held[delivery.sequence] = nil
        guard try apply(.acknowledged, to: delivery) else { return }
        // The next event of the group must not be delivered before this is on disk.
        try commit()
        #expect(acknowledged.insert(delivery.event.position).inserted)
        acknowledgedByGroup[delivery.event.correlationID, default: []]
            .append(delivery.event.position)
    }

    private mutating func apply(
        _ verdict: Acknowledgement.Verdict, to delivery: Delivery
    ) throws -> Bool {
        let acknowledgement = Acknowledgement(
            sequence: delivery.sequence, lease: delivery.lease, verdict)
        return try deliveries.apply([acknowledgement], to: Self.queue, at: now) == [true]
    }

    private mutating func release() throws {
        let consumer = "\(Int.random(in: 0..<3, using: &random))"
        _ = try deliveries.release(
            ReleaseRequest(queue: Self.queue, consumer: consumer), at: now)
        held = held.filter { $0.value.consumer != consumer }
    }

    // MARK: Time and dead letters

    private mutating func pass(_ duration: Duration) {
        now = now + duration
        deliveries.tick(at: now)
        carryOut()
    }

    private mutating func carryOut() {
        for action in deliveries.takeActions() {
            guard case .deadLetter(let entry, let queue, let cause) = action else {
                Issue.record("nobody waits")
                continue
            }
            deadLetters.add(entry, of: queue, cause)
            dying.insert(entry.sequence)
        }
    }

    private mutating func appendDeadLetters() throws {
        carryOut()
        for dead in deadLetters.takePending() {
            let event = event(at: dead.entry.position)
            let group = event.map { deliveries.keys(of: dead.queue).label(of: $0) } ?? ""
            let new = try dead.newEvent(of: event, group: group)
            let isKnown = log.contains {
                if case .deadLettered(new.id, _) = $0 { true } else { false }
            }
            guard !isKnown else { continue }
            log.append(.deadLettered(new.id, try JSON.decode(DeadLetter.self, from: new.data[...])))
        }
    }

    /// Redrives the first dead letter that is on disk.
    private mutating func redriveFirst() {
        guard let id = journal.batch.newDeadLetters.keys.min() else { return }
        log.append(.redriven(id))
    }

    // MARK: Commits

    /// Writes all changes to the journal, and loads entries from it.
    private mutating func commit() throws {
        carryOut()
        let (record, _, _) = commits.begin(
            routed: routed, at: now, queues: deliveries.takeWrites(), replays: [:])
        // As the journal would give it back.
        journal.append(try JournalRecord(try record.encoded()[...]))
        commits.finish(record, through: 1)
        _ = commits.takeUnstored()
        load()
    }

    private mutating func load(upTo last: UInt64 = 0) {
        if let queue = deliveries[Self.queue], let after = queue.recountAfter {
            let puts = journal.batch.queues[queue.id]?.puts ?? [:]
            queue.recount(puts.keys.count { $0 > after }, after: after)
        }
        while let load = deliveries[Self.queue]?.nextLoad(upTo: last) {
            let entries = (journal.batch.queues[load.id]?.puts ?? [:]).values
                .sorted { $0.sequence < $1.sequence }
            switch load.range {
            case .after(let sequence, let limit):
                let next = entries.filter { $0.sequence > sequence }.prefix(limit)
                deliveries.finish(load, with: Array(next), at: now)
                // As the bus does, which reads again after the next commit.
                if last == 0 { return carryOut() }
            case .groups(let groups, let sequence):
                let ofGroups = entries.filter {
                    groups.contains($0.group) && $0.sequence <= sequence
                }
                deliveries.finish(load, with: ofGroups, at: now)
            }
        }
        carryOut()
    }

    /// Loses everything that is not in the journal, and starts again.
    private mutating func crash() throws {
        crashes += 1
        dying = []
        now = BusTime(running: journal.time.running, log: max(now.log, journal.time.log))
        routed = journal.routed
        deliveries = Deliveries(window: 12, random: { 0.5 })
        commits = Commits(after: JournalRecord(routed: routed, time: now))
        var last: UInt64 = 0
        for (id, writes) in journal.batch.queues {
            let definition = try #require(writes.definition)
            let counters = try #require(writes.counters)
            deliveries.add(
                QueueRow(id: id, definition: definition, counters: counters),
                count: writes.puts.count)
            last = writes.puts.values.filter { $0.lease != nil }.map(\.sequence).max() ?? 0
        }
        let letters = journal.batch.newDeadLetters.values
        deadLetters = DeadLetters(counts: [Self.queue: letters.count])
        blockDeadGroups()
        // As the bus does, which needs the entries in flight in memory.
        load(upTo: last)
    }

    private mutating func blockDeadGroups() {
        let groups = journal.batch.newDeadLetters.values.map { ($0.group, 1) }
        deliveries.block(
            Dictionary(groups, uniquingKeysWith: +), of: Self.queue, at: now)
    }

    /// Returns the sequence of a dead letter's entry on disk, or 0.
    private mutating func place(of letter: DeadLetter) throws -> UInt64 {
        try commit()
        let entries = journal.batch.queues.values.flatMap(\.puts.values)
        return entries.first { $0.isEntry(of: letter) }?.sequence ?? 0
    }

    // MARK: Checks

    /// Compares the figures with what is on disk. Nothing is missing and nothing is there twice.
    private mutating func check() throws {
        guard !deliveries.hasChanges, routed == journal.routed else { return }
        let view = deliveries.views(at: now.running) { deadLetters.count(of: $0) }[0]
        let entries = journal.batch.queues.values.flatMap(\.puts.values)
        try #require(view.depth + view.inFlight + dying.count == entries.count)
        try #require(view.deadLetters == journal.batch.newDeadLetters.count)
        try #require(view.acknowledged == acknowledged.count)
    }
}
