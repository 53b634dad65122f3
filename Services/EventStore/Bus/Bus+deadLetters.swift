import EventSourcing
import EventStoreClient
import Logging
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
        while true {
            do {
                for event in deadLettered { try await append(event) }
                return
            } catch let error as DaybookError where error.kind == .unavailable {
                logger.warning("waiting for the event store", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Appends an event whose id allows only one of its kind.
    private func append(_ event: NewEvent) async throws {
        do {
            _ = try await appendOwn([event], .any)
        } catch let error as ProtocolError where error.code == .idReused {
            // It was appended before a crash, with another receive count.
        }
    }

    // MARK: Events

    /// Applies an event about a dead letter.
    func applyDeadLetter(_ type: BusEventType, _ event: RecordedEvent) async throws {
        switch type {
        case .deadLetterRedriven: try await redrive(try await deadLetter(closedBy: event), event)
        case .deadLetterDiscarded: close(try await deadLetter(closedBy: event))
        default: add(try event.data(), event)
        }
    }

    private func add(_ letter: DeadLetter, _ event: RecordedEvent) {
        let row = DeadLetterRow(
            id: event.position, letter: letter,
            group: deliveries[letter.queue]?.deadLetter(letter) ?? .none,
            diedAt: event.time)
        deadLetters.record(row)
        commits.record(WriteBatch(newDeadLetters: [row.id: row]))
        logger.warning(
            "an event became a dead letter",
            metadata: [
                "queue": "\(letter.queue)", "position": "\(letter.position)",
                "type": "\(letter.type)", "cause": "\(letter.cause.rawValue)",
                "error": "\(letter.error ?? "")",
            ])
    }

    /// Returns the dead letter that the event redrives or discards.
    private func deadLetter(closedBy event: RecordedEvent) async throws -> DeadLetterRow {
        let closure = try event.data(as: DeadLetterClosure.self)
        let recent = commits.deadLetter(closure.deadLetter)
        var found = recent.row
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
        queue.restore(dead, deadEvent, at: event.time)
        close(dead)
    }

    /// Records that the dead letter was redriven or discarded, and unblocks its group.
    private func close(_ dead: DeadLetterRow) {
        commits.record(WriteBatch(closedDeadLetters: [dead.id]))
        deadLetters.recordClosed(dead)
        deliveries[dead.letter.queue]?.unblock(dead.group)
        commitSignal.send()
    }

    // MARK: Calls

    private static let page = 100

    /// Redrives or discards the selected dead letters. Each gets its own event.
    func redriveOrDiscard(
        _ request: CloseDeadLetters, _ type: BusEventType, _ cause: Cause
    ) async throws -> Outcome {
        try require(
            type != .deadLetterDiscarded || request.reason?.isEmpty == false, .invalid,
            "a discard needs a reason")
        var last: Appended?
        var types: [String] = []
        var after: UInt64 = 0
        while true {
            try await stored()
            let page = DeadLettersRequest(request.selection, after: after, limit: Self.page)
            let letters = try await store.deadLetters(page)
            guard let final = letters.last else { break }
            after = final.id
            last = try await append(type, letters, request.reason, cause)
            types += letters.map { _ in type.rawValue }
        }
        guard let last else {
            guard let id = request.selection.ids?.first else { return .nothing }
            let eventID = DeadLetterRow.closingEventID(type, of: id, cause)
            if let earlier = try await client.event(id: eventID) {
                return .repeated(position: earlier.position, types: [earlier.type])
            }
            throw ProtocolError(.notFound, "there is no dead letter \(id)")
        }
        try await routed(through: last.last)
        return .appended(last, types: types)
    }

    private func append(
        _ type: BusEventType, _ letters: [DeadLetterRow], _ reason: String?, _ cause: Cause
    ) async throws -> Appended {
        if type == .deadLetterRedriven,
            let missing = letters.first(where: { deliveries[$0.letter.queue] == nil })
        {
            throw ProtocolError(
                .notFound, "there is no queue '\(missing.letter.queue)' to redrive to; create one")
        }
        let events = try await events(at: letters.map(\.letter.position))
        if type == .deadLetterRedriven {
            for letter in letters { try letter.check(events[letter.letter.position]) }
        }
        return try await appendOwn(
            try letters.map {
                try $0.closingEvent(type, of: events[$0.letter.position], reason: reason, cause)
            }, .any)
    }

    func deadLetterViews(
        _ request: DeadLettersRequest, atLeast position: UInt64
    ) async throws -> [DeadLetterView] {
        try await routed(through: position)
        guard (1...1000).contains(request.limit) else {
            throw ProtocolError(
                .invalid, "a limit of dead letters must be 1 to 1000, not \(request.limit)")
        }
        try await stored()
        return try await store.deadLetters(request).map { row in
            DeadLetterView(
                id: row.id, letter: row.letter, diedAt: row.diedAt,
                waitingBehind: deliveries[row.letter.queue]?.waitingBehind(row.group) ?? 0)
        }
    }
}
