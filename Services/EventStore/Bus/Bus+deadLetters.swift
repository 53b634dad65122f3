import EventSourcing
import EventStoreClient
import Logging
import ServiceRuntime
import WireProtocol

extension Bus {
    // MARK: Appending

    /// Appends dead events to the log.
    ///
    /// An entry becomes a dead letter only when that event is routed. Until then it is in its
    /// queue, and after a restart it is dead again with the same event id.
    func appendDeadLetters() async throws {
        for await _ in deadLetterSignal.signals {
            while case let pending = deadLetters.takePending(), !pending.isEmpty {
                try await append(pending)
            }
        }
        throw CancellationError()
    }

    private func append(_ pending: [PendingDeadLetter]) async throws {
        let events = try await events(at: pending.map(\.entry.position))
        let deadLettered = try pending.map { dead in
            let event = events[dead.entry.position]
            let group = event.map { deliveries.keys(of: dead.queue).label(of: $0) } ?? ""
            return try dead.newEvent(of: event, group: group)
        }
        try await retrying(noting: logger.noteWaiting) { try await append(deadLettered) }
    }

    /// Appends events whose ids allow only one of each kind.
    private func append(_ events: [NewEvent]) async throws {
        var rest = events[...]
        while let next = rest.takeAppend() {
            do {
                _ = try await appendOwn(Array(next), .any)
            } catch let error as ProtocolError where error.code == .idReused {
                // One was appended before a crash, perhaps with another receive count.
                guard next.count > 1 else { continue }
                for event in next { try await append([event]) }
            }
        }
    }

    // MARK: Events

    /// Applies an event about a dead letter.
    func applyDeadLetter(_ type: BusEventType, _ event: RecordedEvent) async throws {
        switch type {
        case .deadLetterRedriven: try await redrive(try await deadLetter(closedBy: event), event)
        case .deadLetterDiscarded: close(try await deadLetter(closedBy: event))
        default:
            let letter: DeadLetter = try event.data()
            // A queue whose files were lost gets the entry first.
            try await fill(letter.queue, through: letter.position)
            let row = add(letter, at: try await place(of: letter), event)
            // The queue was created since, and may hold later events of the group.
            if letter.sequence == 0, let adopted = try await adopt([row]).first {
                update { $0.block([adopted.group: 1], of: letter.queue, at: clock.now) }
            }
        }
    }

    /// Returns the sequence of a dead letter's entry, or 0 if its queue does not have the entry.
    private func place(of letter: DeadLetter) async throws -> UInt64 {
        guard let queue = deliveries[letter.queue] else { return letter.sequence }
        if let place = queue.place(of: letter) { return place }
        try await stored()
        return try await store.place(of: letter, in: queue.id) ?? 0
    }

    private func add(
        _ letter: DeadLetter, at place: UInt64, _ event: RecordedEvent
    ) -> DeadLetterRow {
        let group = update { $0.deadLetter(letter, at: place, now: clock.now) }
        var letter = letter
        letter.sequence = place
        let row = DeadLetterRow(
            id: event.position, letter: letter, group: group, diedAt: event.time)
        deadLetters.record(row)
        commits.record(WriteBatch(newDeadLetters: [row.id: row]))
        logger.warning(
            "an event became a dead letter",
            metadata: [
                "queue": "\(letter.queue)", "position": "\(letter.position)",
                "type": "\(letter.type)", "cause": "\(letter.cause.rawValue)",
                "error": "\(letter.error ?? "")",
            ])
        return row
    }

    /// Returns the dead letter that the event redrives or discards.
    private func deadLetter(closedBy event: RecordedEvent) async throws -> DeadLetterRow {
        let closure = try event.data(as: DeadLetterClosure.self)
        let recent = commits.deadLetter(closure.deadLetter)
        var found = recent.row
        if found == nil, !recent.isClosed {
            found = prepared.removeValue(forKey: closure.deadLetter)
        }
        if found == nil, !recent.isClosed {
            let selection = DeadLetterSelection(ids: [closure.deadLetter])
            found = try await store.deadLetters(DeadLettersRequest(selection, limit: 1)).first
        }
        let letter = found.map(\.letter)
        let isNamed = letter?.queue == closure.queue && letter?.position == closure.position
        return try found.flatMap { isNamed ? $0 : nil }
            .orThrow(.notFound, "queue '\(closure.queue)' has no dead letter \(closure.deadLetter)")
    }

    /// Returns a dead letter to its queue. The command rejects a redrive into a queue that does not
    /// exist, so such an event has no effect.
    private func redrive(_ dead: DeadLetterRow, _ event: RecordedEvent) async throws {
        let position = dead.letter.position
        let deadEvent = try await events(at: [position])[position]
        try dead.check(deadEvent)
        guard let deadEvent, let queue = deliveries[dead.letter.queue] else { return }
        // A group without waiting entries is unblocked at once and gets the entry in memory.
        close(dead)
        queue.restore(dead, deadEvent, at: event.time)
    }

    /// Records that the dead letter was redriven or discarded, and unblocks its group.
    private func close(_ dead: DeadLetterRow) {
        commits.record(WriteBatch(closedDeadLetters: [dead.id]))
        deadLetters.recordClosed(dead)
        deliveries[dead.letter.queue]?.closeLetter(of: dead.group)
        commitSignal.send()
    }

    /// How many dead letters a new queue adopts together.
    private static let adoptedTogether = 1000

    /// Gives a new queue the dead letters that have its name, from before it existed.
    ///
    /// Their groups become those of the queue's grouping. Those that were never in a queue get
    /// places before all later events.
    func adoptDeadLetters(of name: String) async throws {
        guard deadLetters.count(of: name) > 0 else { return }
        try await stored()
        var request = DeadLettersRequest(
            DeadLetterSelection(queue: name), limit: Self.adoptedTogether)
        while case let page = try await store.deadLetters(request), let last = page.last {
            _ = try await adopt(page)
            request.after = last.id
        }
    }

    /// Returns the dead letters as their queues have them, if those exist.
    private func adopt(_ rows: [DeadLetterRow]) async throws -> [DeadLetterRow] {
        let rows = rows.filter { deliveries[$0.letter.queue] != nil }
        let events = try await events(at: rows.map(\.letter.position))
        // A dead letter of another log can only be discarded.
        let adopted = rows.compactMap { row in
            events[row.letter.position].flatMap { event in
                (try? row.check(event)) == nil
                    ? nil : row.adopted(event, deliveries.keys(of: row.letter.queue))
            }
        }
        for row in adopted {
            commits.record(WriteBatch(newDeadLetters: [row.id: row]))
            if prepared[row.id] != nil { prepared[row.id] = row }
        }
        return adopted
    }

    /// Blocks the groups of the queues that have dead letters on disk.
    func blockDeadGroups(of queues: Set<String>) async throws {
        for (name, groups) in try await store.deadGroups() where queues.contains(name) {
            update { $0.block(groups, of: name, at: clock.now) }
        }
    }

    // MARK: Queries

    func deadLetterViews(
        _ request: DeadLettersRequest, atLeast position: UInt64
    ) async throws -> [DeadLetterView] {
        try await routed(through: position)
        guard (1...1000).contains(request.limit) else {
            throw ProtocolError(
                .invalid, "a limit of dead letters must be 1 to 1000, not \(request.limit)")
        }
        if let fault = request.selection.fault { throw ProtocolError(.invalid, fault) }
        try await stored()
        let rows = try await store.deadLetters(request)
        if rows.isEmpty { try checkNames(in: request.selection) }
        return rows.map { row in
            DeadLetterView(
                id: row.id, letter: row.letter, diedAt: row.diedAt,
                waitingBehind: deliveries[row.letter.queue]?.waitingBehind(row.group) ?? 0)
        }
    }

    /// Throws if a selection of no dead letters names a queue or a rule that does not exist. A
    /// deleted one may have dead letters.
    func checkNames(in selection: DeadLetterSelection) throws {
        let (queues, rules) = (definitions.queues, definitions.ruleNames)
        if let name = selection.queue, queues[name] == nil, deadLetters.count(of: name) == 0 {
            throw DaybookError.unknown("queue", name, among: queues.keys)
        }
        if let name = selection.rule, !rules.contains(name) {
            throw DaybookError.unknown("rule", name, among: rules)
        }
    }
}
