import DequeModule
import EventSourcing
import Foundation
import WireProtocol

/// One consumer of one queue.
struct ConsumerKey: Hashable {
    let queue: Int64
    let consumer: String
}

/// What a consumer's last receive was answered with, in case it asks again.
struct ReceiveAnswer {
    private static let kept: Duration = .seconds(60)

    let token: EventID
    /// Nil while it is being made.
    var frame: [UInt8]?
    var madeAt: RunningTime
    var waiters: [CheckedContinuation<Void, Never>] = []

    func isForgotten(at now: RunningTime) -> Bool { frame != nil && madeAt + Self.kept < now }
}

extension Bus {
    /// Deliveries for a consumer: at once if there are any, else as soon as there are, or none when
    /// it has waited long enough.
    func receive(_ request: ReceiveRequest) async throws -> [UInt8] {
        let queue = try queue(request.queue)
        if let fault = request.fault { throw ProtocolError(.invalid, fault) }
        let key = ConsumerKey(queue: queue.row.id, consumer: request.consumer)
        if let known = answers[key], known.token == request.token {
            return await answer(key, request.token)
        }
        putAnswer(ReceiveAnswer(token: request.token, madeAt: clock.running), key)
        var frame: [UInt8] = []
        defer { finish(key, request.token, frame) }
        frame = try Delivery.frame(try await deliveries(of: queue, for: request))
        return frame
    }

    /// The answer to a receive that was made before, once it is there.
    private func answer(_ key: ConsumerKey, _ token: EventID) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            // Looked at here: others may have had their turn while this task suspended.
            guard let answer = answers[key], answer.token == token, answer.frame == nil else {
                return continuation.resume()
            }
            answers[key]?.waiters.append(continuation)
        }
        guard let answer = answers[key], answer.token == token else { return [] }
        return answer.frame ?? []
    }

    private func finish(_ key: ConsumerKey, _ token: EventID, _ frame: [UInt8]) {
        guard answers[key]?.token == token else { return }
        // What can't be given again, as it failed, is tried again.
        let answer = ReceiveAnswer(token: token, frame: frame, madeAt: clock.running)
        putAnswer(frame.isEmpty ? nil : answer, key)
    }

    /// Puts `answer` in the place of the last one, and wakes who waits for that: in vain, if it was
    /// another.
    private func putAnswer(_ answer: ReceiveAnswer?, _ key: ConsumerKey) {
        for waiter in answers[key]?.waiters ?? [] { waiter.resume() }
        answers[key] = answer
    }

    private func deliveries(
        of queue: BusQueue, for request: ReceiveRequest
    ) async throws -> [Delivery] {
        let key = ConsumerKey(queue: queue.row.id, consumer: request.consumer)
        if queue.earlierReceives.remove(request.token) != nil {
            // An earlier process made this receive; its answer may not have arrived.
            let leased = queue.state.deliveries(of: request.token)
            if !leased.isEmpty { return try await deliveries(leased, from: queue) }
        }
        let deadline = clock.running + .seconds(request.wait)
        var hasRefilled = false
        while true {
            guard answers[key]?.token == request.token else {
                // The consumer has ended, and would keep what it got from the others.
                wake(queue)
                return []
            }
            let now = clock.now
            let leased = queue.state.receive(
                max: request.maximum, visibility: request.visibilityTimeout.map { .seconds($0) },
                consumer: request.consumer, token: request.token, now: now)
            settle(queue, at: now)
            if !leased.isEmpty { return try await deliveries(leased, from: queue) }
            if queue.isShort, !hasRefilled {
                // A receive that does not wait gets the entries on disk, too.
                hasRefilled = true
                try await stored()
                continue
            }
            guard now.running < deadline, !isStopped, queues[queue.name] === queue else {
                return []
            }
            await withCheckedContinuation { continuation in
                guard !isStopped else { return continuation.resume() }
                queue.receivers.append(Receiver(deadline: deadline, continuation: continuation))
            }
        }
    }

    /// Returns the answer to a receive once its leases are on disk. From then on, no crash lets
    /// another consumer get the events before the leases expire. The acknowledgements of the
    /// events before them in their groups are on disk, too.
    private func deliveries(
        _ leased: [QueueState.Delivery], from queue: BusQueue
    ) async throws -> [Delivery] {
        let events = try await events(at: leased.map(\.entry.position))
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(leased.count)
        let now = clock.now
        for leased in leased {
            let entry = leased.entry
            guard let event = events[entry.position] else {
                // It is tried again, as anything that fails, for the log may be repaired.
                _ = queue.state.reject(
                    entry.sequence, lease: leased.lease,
                    error: "event \(entry.position) can't be read", now: now,
                    random: { .random(in: 0..<1) })
                continue
            }
            deliveries.append(
                Delivery(
                    event: event, rule: entry.rule, replay: entry.replay,
                    receiveCount: entry.receives, enqueuedAt: entry.enqueuedAt,
                    firstReceivedAt: entry.firstReceivedAt ?? entry.enqueuedAt,
                    sequence: entry.sequence, lease: leased.lease))
        }
        queue.delivered += UInt64(deliveries.count)
        settle(queue, at: now)
        try await committed()
        return deliveries
    }

    /// Works in what a consumer says of its deliveries; answers when it is on disk.
    func settle(_ frame: [UInt8], _ caller: Caller) async throws -> [UInt8] {
        let (name, settlements) = try Settlement.read(frame)
        try caller.checkQueue(name)
        let queue = try queue(name)
        let now = clock.now
        let accepted = settlements.map { settle($0, in: queue, at: now) }
        settle(queue, at: now)
        if !queue.writes.isEmpty { try await committed() }
        return accepted.map { $0 ? 1 : 0 }
    }

    private func settle(
        _ settlement: Settlement, in queue: BusQueue, at now: BusTime
    ) -> Bool {
        let (sequence, lease) = (settlement.sequence, settlement.lease)
        switch settlement.verdict {
        case .done: return queue.state.acknowledge(sequence, lease: lease)
        case .failed(let error, let delay):
            return queue.state.reject(
                sequence, lease: lease, error: error, delay: delay, now: now,
                random: { .random(in: 0..<1) })
        case .extended(let duration):
            return queue.state.extend(sequence, lease: lease, visibility: duration, now: now)
        }
    }

    /// Gives back the deliveries of a consumer that has ended. Returns when that is on disk.
    func release(_ request: ReleaseRequest) async throws -> Int {
        if let fault = request.fault { throw ProtocolError(.invalid, fault) }
        let queue = try queue(request.queue)
        let now = clock.now
        putAnswer(nil, ConsumerKey(queue: queue.row.id, consumer: request.consumer))
        let count = queue.state.release(consumer: request.consumer)
        settle(queue, at: now)
        if count > 0 { try await committed() }
        return count
    }
}
