import EventSourcing
import TestSupport
import Testing
import WireProtocol

@testable import EventBus

@Suite(.mayBlock) struct `Random queue operations` {
    /// The seed decides whether there are dead letters, and whether groups wait behind them.
    @Test(arguments: 0..<12 as Range<UInt64>)
    func `Queue keeps order, loses no entry and reports correct counts`(seed: UInt64) {
        var model = QueueModel(seed: seed)
        for _ in 0..<1_500 { model.step() }
        model.drain()
        #expect(model.disk.isEmpty)
        #expect(model.dead.isEmpty)
        // Otherwise the operations were too few to test much.
        #expect(model.ended.count > 200)
        #expect(!model.state.settings.hasDeadLetters || model.redriven > 5)
        #expect(model.wrongLeases > 10)
        #expect(model.expired > 10)
    }
}

/// The entries that a caller of the queue has on disk and in flight. The model derives every answer
/// of the state from all of them, without indexes.
struct QueueModel {
    var random: SplitMix
    var state: QueueState
    var now = BusTime(running: .zero, log: Timestamp(microseconds: 0))

    var disk: [UInt64: QueueEntry] = [:]
    var dead: [UInt64: QueueEntry] = [:]
    var ended: Set<UInt64> = []
    var blocked: Set<GroupKey> = []
    /// The blocked groups without dead entries here.
    var blockedFromOutside: Set<GroupKey> = []
    /// The entries whose back-off no tick has ended yet.
    var backingOff: Set<UInt64> = []
    var held: [UInt64: Held] = [:]
    /// How many deliveries each consumer had when it first lost one since its last verdict.
    var lostTogether: [String: Int] = [:]
    /// The greatest number of deliveries in flight of a consumer that gets the entry.
    var limits: [UInt64: Int] = [:]
    /// The step in which each group became ready, negative if it was released. Nil after an entry
    /// of the group died: the group keeps its place only if its next entry was ready then.
    var readySince: [GroupKey: Int?] = [:]

    var steps = 0
    var lastSequence: UInt64 = 0
    /// The numbers of all leases so far.
    var leases: Set<UInt64> = []
    var redriven = 0
    var wrongLeases = 0
    var expired = 0

    struct Held {
        let lease: UInt64
        let consumer: String
        var expires: RunningTime
        var receives: Int
    }

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        var settings = QueueDefinition(name: "q")
        settings.hasDeadLetters = seed % 3 != 0
        settings.afterDeath = seed % 3 == 1 ? .wait : .proceed
        settings.retry.maximumReceives = 3
        settings.retry.maximumAge = 200
        state = QueueState(settings: settings)
    }
}

// MARK: - Operations

extension QueueModel {
    mutating func step() {
        steps += 1
        switch Int.random(in: 0..<100, using: &random) {
        case ..<30: enqueueNew()
        case ..<50: receive(max: .random(in: 1...4, using: &random))
        case ..<65: useLease { $0.acknowledge($1, $2) }
        case ..<73: useLease { $0.fail($1, $2) }
        case ..<76: useLease { $0.extend($1, $2) }
        case ..<88: pass(.milliseconds(.random(in: 0...20_000, using: &random)))
        case ..<90: release(consumer: "\(Int.random(in: 0..<3, using: &random))")
        case ..<92: state.isPaused.toggle()
        case ..<94: block()
        case ..<97: redrive()
        case 97: state.settings.retry.maximumReceives = .random(in: 2...4, using: &random)
        case 98: restart()
        default: if steps % 5 == 0 { purge() }
        }
        follow()
        check()
    }

    mutating func enqueueNew() {
        lastSequence += .random(in: 1...3, using: &random)
        let group = GroupKey(high: 0, low: .random(in: 0..<8, using: &random))
        let entry = QueueEntry(
            sequence: lastSequence, position: lastSequence, group: group, enqueuedAt: now.log)
        disk[entry.sequence] = entry
        state.enqueue(entry)
    }

    mutating func receive(max: Int) {
        let ready = heads.filter { !backingOff.contains($0) }
        let consumer = "\(Int.random(in: 0..<3, using: &random))"
        let visibility = Duration.milliseconds(.random(in: 0...30_000, using: &random))
        let token = EventID(high: 1, low: UInt64(steps))
        let deliveries = state.receive(
            max: max, visibility: visibility, consumer: consumer, token: token, now: now)
        let most = state.isPaused ? 0 : min(max, ready.count)
        let mayReceive = state.mayReceive(consumer)
        #expect(deliveries.count == most || deliveries.count < most && !mayReceive)
        for delivery in deliveries {
            var expected = disk[delivery.entry.sequence]
            expected?.receives += 1
            if expected?.firstReceivedAt == nil { expected?.firstReceivedAt = now.log }
            expected?.notBefore = nil
            expected?.lease = Lease(
                number: delivery.lease, consumer: consumer, token: token, visibility: visibility,
                expires: now.running + visibility)
            #expect(delivery.entry == expected)
            #expect(ready.contains(delivery.entry.sequence))
            #expect(leases.insert(delivery.lease).inserted)
            held[delivery.entry.sequence] = Held(
                lease: delivery.lease, consumer: consumer, expires: now.running + visibility,
                receives: delivery.entry.receives)
        }
        let own = held.filter { $0.value.consumer == consumer }
        #expect(deliveries.isEmpty || own.keys.allSatisfy { limits[$0] ?? .max >= own.count })
        let left = ready.filter { held[$0] == nil }
        // Else one that was lost with others is next, and the consumer has too many for it.
        if deliveries.count < most, own.keys.allSatisfy({ limits[$0] ?? .max > own.count }) {
            #expect(left.contains { limits[$0] ?? .max <= own.count })
            #expect(state.suspects.areWaitedFor || left.allSatisfy { limits[$0] != nil })
        }
        checkTurns(of: deliveries.map(\.entry), before: left)
    }

    /// Performs an operation on an entry in flight, sometimes with a wrong lease.
    mutating func useLease(_ act: (inout QueueModel, UInt64, UInt64) -> Bool) {
        guard let (sequence, lease) = held.min(by: { $0.key < $1.key }).map({ ($0, $1.lease) })
        else { return }
        if Int.random(in: 0..<4, using: &random) == 0 {
            #expect(!act(&self, sequence, lease + 1))
            wrongLeases += 1
        } else {
            #expect(act(&self, sequence, lease))
        }
    }

    mutating func acknowledge(_ sequence: UInt64, _ lease: UInt64) -> Bool {
        noteVerdict(sequence, lease, isHandled: true)
        return state.acknowledge(sequence, lease: lease)
    }

    /// Notes that the consumer is alive, if the lease is the current one.
    mutating func noteVerdict(_ sequence: UInt64, _ lease: UInt64, isHandled: Bool) {
        guard let delivery = held[sequence], delivery.lease == lease else { return }
        lostTogether[delivery.consumer] = nil
        if isHandled { limits[sequence] = nil }
    }

    mutating func fail(_ sequence: UInt64, _ lease: UInt64) -> Bool {
        let delay = Bool.random(using: &random) ? Duration.seconds(3) : nil
        noteVerdict(sequence, lease, isHandled: true)
        return state.fail(
            sequence, lease: lease, error: "no", delay: delay, now: now, random: { 0.5 })
    }

    mutating func extend(_ sequence: UInt64, _ lease: UInt64) -> Bool {
        let visibility = Duration.seconds(.random(in: 1...20, using: &random))
        noteVerdict(sequence, lease, isHandled: false)
        let isHeld = state.extend(sequence, lease: lease, visibility: visibility, now: now)
        if isHeld { held[sequence]?.expires = now.running + visibility }
        return isHeld
    }

    /// Advances the time. Sometimes the system's clock jumps forward as well. Sometimes it is set
    /// back, and the log's time stands still.
    mutating func pass(_ duration: Duration) {
        now.running = now.running + duration
        switch Int.random(in: 0..<10, using: &random) {
        case 0: now.log = now.log + .seconds(60)
        case 1: break
        default: now.log = now.log + duration
        }
        let expired = held.filter { $0.value.expires <= now.running }
        let late = expired.keys
        self.expired += late.count
        for lost in Dictionary(grouping: expired, by: \.value.consumer).values { lose(lost) }
        state.tick(now: now, random: { Double.random(in: 0..<1, using: &random) })
        follow()
        for sequence in late { #expect(held[sequence] == nil) }
        for sequence in heads {
            if disk[sequence]?.notBefore.map({ $0 <= now.running }) ?? true {
                backingOff.remove(sequence)
            }
            #expect(state.isPaused || diesAt(sequence) > now.log)
        }
    }

    mutating func release(consumer: String) {
        let released = held.filter { $0.value.consumer == consumer }
        let groups = released.keys.compactMap { disk[$0]?.group }
        lose(Array(released))
        #expect(state.release(consumer: consumer) == released.count)
        follow()
        for sequence in released.keys { #expect(held[sequence] == nil) }
        for group in groups { readySince[group] = -steps }
    }

    /// Notes that a consumer loses deliveries. If it has lost several since its last verdict, only
    /// the first loss of each counts.
    mutating func lose(_ deliveries: [(key: UInt64, value: Held)]) {
        guard let consumer = deliveries.first?.value.consumer else { return }
        let lost = Swift.max(
            lostTogether[consumer] ?? 0, held.values.count { $0.consumer == consumer })
        lostTogether[consumer] = lost
        guard lost > 1 else { return }
        for (sequence, delivery) in deliveries {
            held[sequence]?.receives = Swift.max(delivery.receives - 1, 1)
            limits[sequence] = Swift.max(1, Swift.min(limits[sequence] ?? .max, lost) / 4)
        }
    }

    /// Blocks a group, as if it had a dead letter of before.
    mutating func block() {
        guard state.settings.afterDeath == .wait else { return }
        let group = GroupKey(high: 0, low: .random(in: 0..<8, using: &random))
        blocked.insert(group)
        blockedFromOutside.insert(group)
        state.block(group)
    }

    /// Redrives the first dead letter, with all others of its group if the group is blocked.
    /// Without dead letters, unblocks a group.
    mutating func redrive() {
        guard let first = dead.keys.min(), let group = dead[first]?.group else {
            return unblock()
        }
        blockedFromOutside.remove(group)
        let isBlocked = blocked.remove(group) != nil
        // It gets another place if its first entry is not one that was lost with others any more.
        if heads.contains(where: { disk[$0]?.group == group && limits[$0] != nil }) {
            readySince.updateValue(nil, forKey: group)
        }
        for (sequence, entry) in dead where isBlocked ? entry.group == group : sequence == first {
            redriven += 1
            dead[sequence] = nil
            disk[sequence] = QueueEntry(
                sequence: sequence, position: entry.position, group: group, enqueuedAt: now.log)
            backingOff.remove(sequence)
            if !isBlocked, let entry = disk[sequence] { state.enqueue(entry) }
        }
        if isBlocked {
            state.unblock(group)
            load { $0.group == group }
        }
    }

    private mutating func unblock() {
        guard let group = blockedFromOutside.min() else { return }
        blockedFromOutside.remove(group)
        blocked.remove(group)
        state.unblock(group)
        load { $0.group == group }
    }

    mutating func load(_ isIncluded: (QueueEntry) -> Bool) {
        for entry in disk.values.filter(isIncluded).sorted(by: { $0.sequence < $1.sequence }) {
            if entry.notBefore != nil { backingOff.insert(entry.sequence) }
            state.enqueue(entry)
        }
    }

    /// Restarts the process: entries in flight stay in flight.
    mutating func restart() {
        state = QueueState(settings: state.settings, lastLease: leases.max() ?? 0)
        (readySince, lostTogether, limits) = ([:], [:], [:])
        for group in blocked { state.block(group) }
        load { _ in true }
    }

    mutating func purge() {
        state.removeAll(through: lastSequence)
        ended.formUnion(disk.keys)
        (disk, held, lostTogether, limits) = ([:], [:], [:], [:])
    }

    /// Acknowledges all entries, and redrives the dead letters to acknowledge them, too.
    mutating func drain() {
        state.isPaused = false
        while !disk.isEmpty || !dead.isEmpty, steps < 10_000 {
            steps += 1
            pass(.seconds(1))
            redrive()
            receive(max: 4)
            for (sequence, held) in held { #expect(acknowledge(sequence, held.lease)) }
            follow()
            check()
        }
    }
}
