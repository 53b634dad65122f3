import DequeModule
import EventSourcing
import Foundation
import WireProtocol

/// A consumer of a queue.
struct ConsumerKey: Hashable {
    let queue: Int64
    let consumer: String
}

/// The answer to a consumer's last receive, in case the consumer asks again.
struct ReceiveAnswer {
    private static let kept: Duration = .seconds(60)

    let token: EventID
    /// Nil while the answer is in progress.
    var frame: [UInt8]?
    var madeAt: RunningTime
    var waiters: [CheckedContinuation<Void, Never>] = []

    func isForgotten(at now: RunningTime) -> Bool { frame != nil && madeAt + Self.kept < now }
}

extension Bus {
    /// Returns deliveries for a consumer, at once or as soon as there are any. Returns none when
    /// the consumer's wait has passed.
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

    /// Returns the answer to a repeated receive once it exists.
    private func answer(_ key: ConsumerKey, _ token: EventID) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            // Checked again here, because other tasks may have run while this one suspended.
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
        // A failed receive leaves no answer, so the consumer can try again.
        let answer = ReceiveAnswer(token: token, frame: frame, madeAt: clock.running)
        putAnswer(frame.isEmpty ? nil : answer, key)
    }

    /// Replaces the consumer's answer, and wakes the callers that wait for the old one. They get
    /// nothing if the new answer is of another receive.
    private func putAnswer(_ answer: ReceiveAnswer?, _ key: ConsumerKey) {
        for waiter in answers[key]?.waiters ?? [] { waiter.resume() }
        answers[key] = answer
    }

    private func deliveries(
        of queue: BusQueue, for request: ReceiveRequest
    ) async throws -> [Delivery] {
        let key = ConsumerKey(queue: queue.row.id, consumer: request.consumer)
        if queue.earlierReceives.remove(request.token) != nil {
            // An earlier process handled this receive. Its answer may not have arrived.
            let leased = queue.state.deliveries(of: request.token)
            if !leased.isEmpty { return try await deliveries(leased, from: queue) }
        }
        let deadline = clock.running + .seconds(request.wait)
        var hasRefilled = false
        while true {
            guard answers[key]?.token == request.token else {
                // The consumer has stopped. Leasing entries to it would keep them from the others.
                wake(queue)
                return []
            }
            let now = clock.now
            let leased = queue.state.receive(
                max: request.maximum, visibility: request.visibilityTimeout.map { .seconds($0) },
                consumer: request.consumer, token: request.token, now: now)
            applyChanges(of: queue, at: now)
            if !leased.isEmpty { return try await deliveries(leased, from: queue) }
            if queue.isShort, !hasRefilled {
                // Even a receive without a wait must get entries that are on disk.
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
                // It is retried like any failure, because the log may be repaired.
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
        applyChanges(of: queue, at: now)
        try await committed()
        return deliveries
    }

    /// Acknowledges, fails or extends deliveries for a consumer. Returns a byte for each when the
    /// changes are on disk: 1 if its lease was current, otherwise 0.
    func acknowledge(_ frame: [UInt8], _ caller: Caller) async throws -> [UInt8] {
        let (name, acknowledgements) = try Acknowledgement.read(frame)
        try caller.checkQueue(name)
        let queue = try queue(name)
        let now = clock.now
        let accepted = acknowledgements.map { apply($0, in: queue, at: now) }
        applyChanges(of: queue, at: now)
        if !queue.writes.isEmpty { try await committed() }
        return accepted.map { $0 ? 1 : 0 }
    }

    private func apply(
        _ acknowledgement: Acknowledgement, in queue: BusQueue, at now: BusTime
    ) -> Bool {
        let (sequence, lease) = (acknowledgement.sequence, acknowledgement.lease)
        switch acknowledgement.verdict {
        case .acknowledged: return queue.state.acknowledge(sequence, lease: lease)
        case .failed(let error, let delay):
            return queue.state.reject(
                sequence, lease: lease, error: error, delay: delay, now: now,
                random: { .random(in: 0..<1) })
        case .extended(let duration):
            return queue.state.extend(sequence, lease: lease, visibility: duration, now: now)
        }
    }

    /// Returns the deliveries of a stopped consumer to the queue. Returns their number when that is
    /// on disk.
    func release(_ request: ReleaseRequest) async throws -> Int {
        if let fault = request.fault { throw ProtocolError(.invalid, fault) }
        let queue = try queue(request.queue)
        let now = clock.now
        putAnswer(nil, ConsumerKey(queue: queue.row.id, consumer: request.consumer))
        let count = queue.state.release(consumer: request.consumer)
        applyChanges(of: queue, at: now)
        if count > 0 { try await committed() }
        return count
    }
}
