import EventSourcing
import WireProtocol

/// All queues, and the consumers that receive from them.
///
/// The type is pure, as QueueState is: callers pass the time, read entries from disk when `load`
/// asks for them, and carry out the actions that `takeActions` returns.
struct Deliveries {
    private let window: Int
    private let random: () -> Double
    private var queues: [String: BusQueue] = [:]
    private var lastID: Int64 = 0
    /// The ids of queues that were deleted since the last commit.
    private var deleted: [Int64] = []
    private var answers = ReceiveAnswers()
    private var actions: [Action] = []

    /// - Parameters:
    ///   - window: how many entries of a queue are kept in memory. Further ones wait on disk.
    ///   - random: returns a number from 0 up to 1, for the random part of back-offs.
    init(window: Int, random: @escaping () -> Double = { .random(in: 0..<1) }) {
        self.window = window
        self.random = random
    }

    /// Returns what to do since the last call, in order.
    mutating func takeActions() -> [Action] {
        defer { actions = [] }
        return actions
    }

    /// The queue with this name. Only this type calls its methods that lead to actions.
    subscript(name: String) -> BusQueue? { queues[name] }

    /// Returns the keys of the queue's groups. The queue may no longer exist.
    func keys(of name: String) -> GroupKeys { queues[name]?.keys ?? GroupKeys(.correlation) }

    // MARK: Definitions

    /// Adds a stored queue with `count` entries on disk.
    mutating func add(_ row: QueueRow, count: Int) {
        queues[row.definition.name] = BusQueue(row, count: count, window: window)
        lastID = max(lastID, row.id)
    }

    /// Creates or changes a queue as the event at `position` defines it.
    mutating func put(_ definition: QueueDefinition, at position: UInt64, now: BusTime) {
        if queues[definition.name] == nil {
            // Sequences start above those of any earlier queue with this name, whose dead letters
            // may still be redriven.
            let counters = QueueCounters(lastSequence: position << 28)
            add(QueueRow(id: lastID + 1, definition: definition, counters: counters), count: 0)
        }
        change(definition.name, at: now) { $0.put(definition) }
    }

    private mutating func change(_ name: String, at now: BusTime, _ apply: (BusQueue) -> Void) {
        guard let queue = queues[name] else { return }
        apply(queue)
        finishChange(of: queue, at: now)
    }

    mutating func setPaused(_ name: String, _ isPaused: Bool, at now: BusTime) {
        guard let queue = queues[name] else { return }
        queue.setPaused(isPaused)
        if !isPaused { tick(queue, at: now) }
    }

    /// Removes the queue's entries, and those that it would still get for events up to `position`.
    mutating func purge(_ name: String, through position: UInt64, at now: BusTime) {
        change(name, at: now) { $0.purge(through: position) }
    }

    mutating func delete(_ name: String) {
        guard let queue = queues.removeValue(forKey: name) else { return }
        deleted.append(queue.id)
        actions += queue.takeReceivers(until: .latest).map(Action.resume)
    }

    // MARK: Entries

    /// Appends the event to a queue. Returns false if the queue does not exist.
    func route(_ event: RecordedEvent, to route: Route, at time: Timestamp) -> Bool {
        guard let queue = queues[route.queue] else { return false }
        if queue.isLive { queue.route(event, rule: route.rule, at: time) }
        return true
    }

    /// Appends the event to a queue again, for a replay. Returns false if the queue does not exist.
    mutating func replay(
        _ event: RecordedEvent, to route: Route, by replay: String, at time: Timestamp
    ) -> Bool {
        guard let queue = queues[route.queue] else { return false }
        queue.append(event, rule: route.rule, replay: replay, at: time)
        wake(queue)
        return true
    }

    /// Removes an entry that is in the log as a dead letter. Returns its group.
    ///
    /// - Parameter place: the entry's sequence; 0 if the queue does not have it.
    mutating func deadLetter(
        _ letter: DeadLetter, at place: UInt64, now: BusTime
    ) -> GroupKey {
        var group = GroupKey.none
        change(letter.queue, at: now) { group = $0.deadLetter(letter, at: place) }
        return group
    }

    /// Blocks groups by the number of their dead letters, if the queue's groups wait behind them.
    mutating func block(_ groups: [GroupKey: Int], of name: String, at now: BusTime) {
        change(name, at: now) { for (group, count) in groups { $0.block(group, letters: count) } }
    }

    /// Wakes a consumer of each queue that has ready entries.
    mutating func wake() {
        for queue in queues.values { wake(queue) }
    }

    /// Wakes one waiting consumer if an entry is ready. That consumer wakes the next.
    private mutating func wake(_ queue: BusQueue) {
        if let waiter = queue.takeReceiver() { actions.append(.resume(waiter)) }
    }

    /// Records the changes of the queue's entries, and wakes a consumer.
    private mutating func finishChange(of queue: BusQueue, at now: BusTime) {
        for (entry, cause) in queue.recordChanges(at: now.running) {
            actions.append(.deadLetter(entry, queue: queue.name, cause))
        }
        wake(queue)
    }

    // MARK: Time

    /// Applies the passed time to the queues, and wakes consumers that have waited long enough.
    mutating func tick(at now: BusTime) {
        for queue in queues.values {
            if queue.isDue(at: now) { tick(queue, at: now) }
            actions += queue.takeReceivers(until: now.running).map(Action.resume)
        }
        answers.forgetOld(at: now.running)
    }

    private mutating func tick(_ queue: BusQueue, at now: BusTime) {
        queue.tick(at: now, random: random)
        finishChange(of: queue, at: now)
    }
}

// MARK: - Consumers

extension Deliveries {
    /// Returns the receive of a request.
    ///
    /// - Throws: `notFound` if the queue does not exist, `invalid` for an invalid request.
    func receive(_ request: ReceiveRequest, at now: RunningTime) throws -> Receive {
        let queue = try queue(request.queue)
        if let fault = request.fault { throw ProtocolError(.invalid, fault) }
        return Receive(
            request: request, key: ConsumerKey(queue: queue.id, consumer: request.consumer),
            deadline: now + .seconds(request.wait))
    }

    /// Whether the receive repeats one that is in progress or has its answer.
    func isRepeat(_ receive: Receive) -> Bool {
        answers.isLast(receive.request.token, of: receive.key)
    }

    /// Returns the answer to a repeated receive, or nil while it is in progress.
    func answer(to receive: Receive) -> [UInt8]? {
        answers.frame(of: receive.key, receive.request.token)
    }

    mutating func waitForAnswer(to receive: Receive, _ waiter: Waiter) {
        answers.wait(for: receive.key, waiter)
    }

    mutating func begin(_ receive: Receive, at now: RunningTime) {
        actions += answers.begin(receive.key, receive.request.token, at: now).map(Action.resume)
    }

    /// Records the answer to the receive; nil if it failed.
    mutating func end(_ receive: Receive, with frame: [UInt8]?, at now: RunningTime) {
        actions += answers.end(receive.key, receive.request.token, with: frame, at: now)
            .map(Action.resume)
    }

    /// Leases entries for the receive.
    ///
    /// - Parameter lastLoad: where the last load for this receive began (`Received.needsLoad`).
    mutating func lease(
        for receive: Receive, lastLoad: UInt64? = nil, at now: BusTime
    ) -> Received {
        guard let queue = queue(of: receive) else { return .nothing }
        guard isRepeat(receive) else {
            // The consumer has stopped. Leasing entries to it would keep them from the others.
            wake(queue)
            return .nothing
        }
        let earlier = queue.earlierDeliveries(of: receive.request.token)
        guard earlier.isEmpty else { return .deliveries(earlier) }
        let leased = queue.receive(receive.request, at: now)
        finishChange(of: queue, at: now)
        guard leased.isEmpty else { return .deliveries(leased) }
        // Even a receive without a wait must get entries that are on disk. All that one load brings
        // may be blocked.
        if queue.hasRoomForDiskEntries, lastLoad != queue.loadedThrough {
            return .needsLoad(after: queue.loadedThrough)
        }
        return now.running < receive.deadline ? .wait : .nothing
    }

    func wait(for receive: Receive, _ waiter: Waiter) {
        queue(of: receive)?
            .wait(waiter, of: receive.request.consumer, until: receive.deadline)
    }

    /// Returns the deliveries of leased entries. One whose event can't be read fails, and is
    /// retried like any failure, because the log may be repaired. One whose event is skipped since
    /// an amendment leaves the queue, as if a consumer had acknowledged it.
    mutating func deliver(
        _ leased: [QueueState.Delivery], of events: [UInt64: RecordedEvent], to receive: Receive,
        at now: BusTime
    ) -> [Delivery] {
        guard let queue = queue(of: receive) else { return [] }
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(leased.count)
        for leased in leased {
            let entry = leased.entry
            guard let event = events[entry.position] else {
                let failure = Acknowledgement(
                    sequence: entry.sequence, lease: leased.lease,
                    .failed(error: "event \(entry.position) can't be read", delay: nil))
                _ = queue.apply(failure, at: now, random: random)
                continue
            }
            guard !event.isSkipped else {
                let end = Acknowledgement(
                    sequence: entry.sequence, lease: leased.lease, .acknowledged)
                _ = queue.apply(end, at: now, random: random)
                continue
            }
            deliveries.append(
                Delivery(
                    event: event, rule: entry.rule, replay: entry.replay,
                    receiveCount: entry.receives, enqueuedAt: entry.enqueuedAt,
                    firstReceivedAt: entry.firstReceivedAt ?? entry.enqueuedAt,
                    sequence: entry.sequence, lease: leased.lease))
        }
        queue.countDelivered(deliveries.count)
        finishChange(of: queue, at: now)
        return deliveries
    }

    /// Returns leased entries that do not fit into the answer to the queue.
    mutating func unsend(
        _ leased: some BidirectionalCollection<QueueState.Delivery>, of receive: Receive,
        at now: BusTime
    ) {
        guard let queue = queue(of: receive) else { return }
        queue.unsend(leased)
        finishChange(of: queue, at: now)
    }

    /// Applies the consumer's verdicts. Returns for each whether it took effect. A repeated verdict
    /// gets the first answer.
    ///
    /// - Throws: `notFound` if the queue does not exist.
    mutating func apply(
        _ acknowledgements: [Acknowledgement], to name: String, at now: BusTime
    ) throws -> [Bool] {
        let queue = try queue(name)
        let accepted = acknowledgements.map { queue.apply($0, at: now, random: random) }
        finishChange(of: queue, at: now)
        return accepted
    }

    /// Returns the deliveries of a stopped consumer to the queue. Returns their number.
    ///
    /// - Throws: `notFound` if the queue does not exist.
    mutating func release(_ request: ReleaseRequest, at now: BusTime) throws -> Int {
        if let fault = request.fault { throw ProtocolError(.invalid, fault) }
        let queue = try queue(request.queue)
        actions += answers.forget(ConsumerKey(queue: queue.id, consumer: request.consumer))
            .map(Action.resume)
        let count = queue.release(consumer: request.consumer)
        finishChange(of: queue, at: now)
        return count
    }

    private func queue(_ name: String) throws -> BusQueue {
        guard let queue = queues[name] else {
            throw DaybookError.unknown("queue", name, among: queues.keys)
        }
        return queue
    }

    /// The queue of a receive, unless it was deleted since.
    private func queue(of receive: Receive) -> BusQueue? {
        queue(receive.request.queue, receive.key.queue)
    }

    /// The queue with this name and id. Another queue may have taken the name of a deleted one.
    private func queue(_ name: String, _ id: Int64) -> BusQueue? {
        queues[name].flatMap { $0.id == id ? $0 : nil }
    }
}

// MARK: - Filling and loading

extension Deliveries {
    /// A queue to fill next, or nil if all are filled.
    var nextFilling: Filling? { queues.keys.lazy.compactMap(filling).first }

    /// How far the queue is filled, or nil if it is not being filled.
    func filling(of name: String) -> Filling? {
        guard let queue = queues[name], let position = queue.filledThrough else { return nil }
        return Filling(
            queue: name, id: queue.id, position: position,
            since: queue.row.definition.start.firstTime)
    }

    /// Adds the events up to `position` that match the queue's rules.
    ///
    /// - Parameter isLast: whether the queue gets all later events as they are routed.
    mutating func fill(
        _ filling: Filling, with events: [(event: RecordedEvent, rule: String)],
        through position: UInt64, isLast: Bool, at time: Timestamp
    ) {
        guard let queue = queue(filling.queue, filling.id),
            queue.filledThrough == filling.position
        else { return }
        for (event, rule) in events { queue.route(event, rule: rule, at: time) }
        queue.setPhase(isLast ? .live : .filling(through: position))
        wake(queue)
    }

    /// The names of the queues.
    var names: [String] { Array(queues.keys) }

    /// Whether a queue needs entries from disk.
    var needsLoad: Bool { queues.values.contains(where: \.needsLoad) }

    /// Adds the entries that were read to memory.
    mutating func finish(_ load: EntryLoad, with entries: [QueueEntry], at now: BusTime) {
        guard let queue = queue(load.queue, load.id) else { return }
        queue.finish(load, with: entries)
        tick(queue, at: now)
    }
}

// MARK: - Committing and views

extension Deliveries {
    var hasChanges: Bool {
        !deleted.isEmpty || queues.values.contains(where: \.hasChanges)
    }

    /// Whether a lease or a back-off runs.
    var isTimed: Bool { queues.values.contains(where: \.isTimed) }

    /// The number of new or changed entries since the last commit.
    var changedEntries: Int { queues.values.reduce(0) { $0 + $1.changedEntries } }

    /// Returns the changes since the last commit, by the queues' ids, and clears them.
    mutating func takeWrites() -> [Int64: QueueWrites] {
        var writes: [Int64: QueueWrites] = [:]
        for id in deleted { writes[id] = QueueWrites(deleted: id) }
        deleted = []
        for queue in queues.values where queue.hasChanges { writes[queue.id] = queue.takeWrites() }
        return writes
    }

    func views(at now: RunningTime, deadLetters: (String) -> Int) -> [QueueView] {
        queues.values.sorted { $0.name < $1.name }
            .map { $0.view(at: now, deadLetters: deadLetters($0.name)) }
    }

    /// The numbers of deliveries and failures since the process started, by queue.
    var counts: [(queue: String, delivered: UInt64, failed: UInt64)] {
        queues.values.sorted { $0.name < $1.name }.map { ($0.name, $0.delivered, $0.failed) }
    }
}
