import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

extension QueueModel {
    /// Checks that those that were lost with others, and the others, were delivered in turn.
    mutating func checkTurns(of delivered: [QueueEntry], before left: Set<UInt64>) {
        func turns(_ entries: [QueueEntry], _ wasLost: Bool) -> [Int] {
            entries.filter { (limits[$0.sequence] != nil) == wasLost }
                .compactMap { readySince[$0.group] ?? nil }
        }
        for wasLost in [true, false] {
            let next = turns(left.compactMap { disk[$0] }, wasLost).min() ?? .max
            #expect(turns(delivered, wasLost).allSatisfy { $0 <= next })
        }
        for entry in delivered { readySince[entry.group] = nil }
    }

    /// Applies the changes that the state reports to the model, and checks them.
    mutating func follow() {
        for change in state.takeChanges() {
            switch change {
            case .leased(let entry):
                #expect(held[entry.sequence]?.lease == entry.lease?.number)
                #expect(held[entry.sequence]?.expires == entry.lease?.expires)
                disk[entry.sequence] = entry
                continue
            case .voided(let entry):
                disk[entry.sequence] = entry
            case .retried(let entry):
                #expect(entry.receives == held[entry.sequence]?.receives)
                #expect(entry.receives < state.settings.retry.maximumReceives)
                #expect(entry.error != nil)
                disk[entry.sequence] = entry
                if let notBefore = entry.notBefore {
                    #expect(notBefore > now.running)
                    backingOff.insert(entry.sequence)
                } else {
                    backingOff.remove(entry.sequence)
                }
            case .acknowledged(let sequence):
                #expect(held[sequence] != nil)
                end(sequence)
            case .deadLettered(let entry, let cause):
                judge(entry, cause)
                #expect(disk.removeValue(forKey: entry.sequence) != nil)
                dead[entry.sequence] = entry
                if state.settings.afterDeath == .wait { blocked.insert(entry.group) }
                readySince.updateValue(nil, forKey: entry.group)
            case .dropped(let entry, let cause):
                judge(entry, cause)
                end(entry.sequence)
                readySince.updateValue(nil, forKey: entry.group)
            }
            held[change.sequence] = nil
        }
        lostTogether = lostTogether.filter { consumer, _ in
            held.values.contains { $0.consumer == consumer }
        }
        limits = limits.filter { sequence, _ in
            disk[sequence].map { !blocked.contains($0.group) || held[sequence] != nil } ?? false
        }
    }

    mutating func end(_ sequence: UInt64) {
        #expect(disk.removeValue(forKey: sequence) != nil)
        #expect(ended.insert(sequence).inserted)
    }

    func judge(_ entry: QueueEntry, _ cause: DeadLetterCause) {
        let isSpent = entry.receives >= state.settings.retry.maximumReceives
        switch cause {
        case .maximumReceives: #expect(isSpent)
        case .maximumAge:
            #expect(!isSpent && !state.isPaused && diesAt(entry.sequence) <= now.log)
            #expect(heads.contains(entry.sequence))
        case .targetNotFound: Issue.record("a queue state does not look for targets")
        case .unreadable: Issue.record("no consumer of the model gives up an event")
        }
    }

    /// The first entry of each group that is not blocked and has no entry in flight.
    var heads: Set<UInt64> {
        var heads: [GroupKey: UInt64] = [:]
        for entry in disk.values where !blocked.contains(entry.group) {
            heads[entry.group] = min(heads[entry.group] ?? .max, entry.sequence)
        }
        for sequence in held.keys { disk[sequence].map { heads[$0.group] = nil } }
        return Set(heads.values)
    }

    func diesAt(_ sequence: UInt64) -> Timestamp {
        disk[sequence].map { $0.enqueuedAt + .seconds(state.settings.retry.maximumAge) } ?? now.log
    }

    mutating func check() {
        let heads = heads
        let ready = heads.subtracting(backingOff)
        let inMemory = disk.values.filter {
            !blocked.contains($0.group) || held[$0.sequence] != nil
        }
        let counts = QueueState.Counts(
            ready: ready.count, inFlight: held.count, delayed: heads.count - ready.count,
            behind: inMemory.count - heads.count - held.count,
            blocked: disk.count - inMemory.count)
        #expect(state.counts == counts)
        #expect(state.hasReady == (!state.isPaused && !ready.isEmpty))
        #expect(Set(held.keys.compactMap { disk[$0]?.group }).count == held.count)
        #expect(state.oldest == inMemory.map(\.enqueuedAt).min())
        let back = heads.filter(backingOff.contains).compactMap { disk[$0]?.notBefore }
        let next = QueueState.NextTick(
            running: (back + held.values.map(\.expires)).min(),
            log: state.isPaused ? nil : heads.map(diesAt).min())
        #expect(state.nextTick() == next)

        let groups = Set(ready.compactMap { disk[$0]?.group })
        readySince = readySince.filter { groups.contains($0.key) }
        for group in groups where !readySince.keys.contains(group) { readySince[group] = steps }
    }
}

extension QueueState.Change {
    fileprivate var sequence: UInt64 {
        switch self {
        case .acknowledged(let sequence): sequence
        case .leased(let entry), .voided(let entry), .retried(let entry): entry.sequence
        case .deadLettered(let entry, _), .dropped(let entry, _): entry.sequence
        }
    }
}
