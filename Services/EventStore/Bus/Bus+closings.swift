import EventSourcing
import EventStoreClient
import WireProtocol

/// Redrives and discards, which close dead letters.
extension Bus {
    /// The largest number of dead letters that are closed with one append. Other work of the bus
    /// goes on between two appends.
    private static let together = 200

    /// Redrives or discards the selected dead letters. Each gets its own event.
    ///
    /// A repeated call gets the outcome of its first attempt, also after a restart, unless that had
    /// nothing to do.
    ///
    /// - Throws: `notFound` if an id names no dead letter, or if one can't be redriven because its
    ///   queue or its event does not exist. The other dead letters are closed all the same.
    func redriveOrDiscard(
        _ request: CloseDeadLetters, _ type: BusEventType, _ cause: Cause
    ) async throws -> Outcome {
        try require(
            type != .deadLetterDiscarded || request.reason?.isEmpty == false, .invalid,
            "a discard needs a reason")
        if let fault = request.selection.fault { throw ProtocolError(.invalid, fault) }
        while !closings.begin(cause.key) {
            if let total = closings.total(of: cause.key) {
                try Self.check(total.digest, cause)
                return total.outcome(type, isRepeat: true)
            }
            try await suspend { closings.wait(for: cause.key, $0) }
        }
        var total: DeadLetterClosings.Total?
        defer { waiters.resume(closings.end(cause.key, with: total)) }
        var done = try await close(request, type, cause)
        done.digest = cause.digest
        // A command that had nothing to do is decided again when it is repeated.
        if done.last != nil { total = done }
        return done.outcome(type, isRepeat: done.last?.isRepeat == true)
    }

    /// Throws `idReused` if the digest of the earlier command with this id is not this one's.
    private static func check(_ earlier: String?, _ cause: Cause) throws(ProtocolError) {
        guard let earlier, let digest = cause.digest, earlier != digest else { return }
        throw ProtocolError(
            .idReused, "another command has used the id \(cause.key); choose a new id")
    }

    private func close(
        _ request: CloseDeadLetters, _ type: BusEventType, _ cause: Cause
    ) async throws -> DeadLetterClosings.Total {
        var progress = try await earlierClosings(type, cause)
        // Letters that died since the first attempt, perhaps because of it, are not selected.
        let last = progress.first?.first ?? router.position
        var after: UInt64 = 0
        try await stored()
        while true {
            let page = DeadLettersRequest(request.selection, after: after, limit: Self.together)
            let found = try await store.deadLetters(page, through: last)
            guard let final = found.last else { break }
            after = final.id
            let letters = closings.take(progress.possible(closable(found, type)))
            defer { closings.release(letters) }
            guard !letters.isEmpty else { continue }
            let generation = cache.generation
            let events = try await events(at: letters.map(\.letter.position))
            let sound = type == .deadLetterRedriven ? progress.sound(letters, events) : letters
            for letter in sound { prepared[letter.id] = letter }
            // The router needs them next.
            if type == .deadLetterRedriven {
                for event in events.values { cache.insert(event, readIn: generation) }
            }
            let closing = try sound.map {
                try $0.closingEvent(
                    type, of: events[$0.letter.position], reason: request.reason, cause)
            }
            var rest = closing[...]
            while let next = rest.takeAppend() {
                let appended = try await appendOwn(Array(next), .any)
                try await routed(through: appended.last)
                progress.add(sound[next.indices].map(\.id), appended)
            }
        }
        if request.selection.ids == nil, progress.isEmpty { try checkNames(in: request.selection) }
        return try progress.total(of: request.selection, type)
    }

    /// Returns what earlier attempts of this command have closed, for example before a restart.
    private func earlierClosings(
        _ type: BusEventType, _ cause: Cause
    ) async throws -> DeadLetterClosings.Progress {
        var progress = DeadLetterClosings.Progress()
        guard cause.mayBeRepeat else { return progress }
        let query = EventQuery([.init(categories: [type.category], types: [type.rawValue])])
        for try await event in client.read(ReadRequest(query)).events {
            // Invalid events have no effect, so they have closed nothing.
            guard let closure = try? event.data(as: DeadLetterClosure.self),
                event.id == DeadLetterRow.closingEventID(type, of: closure.deadLetter, cause)
            else { continue }
            try Self.check(EventMetadata(of: event)?.digest, cause)
            let appended = Appended(
                first: event.position, last: event.position, lastRevision: event.revision,
                time: event.time, isRepeat: true)
            progress.add([closure.deadLetter], appended)
        }
        try await routed(through: progress.last?.last ?? 0)
        return progress
    }

    /// Returns the dead letters that are not closed yet, each with whether it can be closed: it
    /// can't be redriven to a queue that does not exist.
    private func closable(
        _ letters: [DeadLetterRow], _ type: BusEventType
    ) -> [(letter: DeadLetterRow, isPossible: Bool)] {
        // The tables may lack the last commits.
        letters.filter { !commits.deadLetter($0.id).isClosed }.map {
            ($0, type == .deadLetterDiscarded || deliveries[$0.letter.queue] != nil)
        }
    }

    // MARK: Routing

    /// Reads the dead letters that the events close, and the events that they redrive, all at once
    /// instead of one by one.
    func prepareClosings(_ events: [RecordedEvent]) async throws {
        // The commands in progress have read theirs.
        prepared = prepared.filter { closings.isTaken($0.key) }
        var (ids, positions): ([UInt64], [UInt64]) = ([], [])
        for event in events where event.isOfStore {
            let type = BusEventType(rawValue: event.type)
            // An invalid event is logged when it is applied.
            guard type == .deadLetterRedriven || type == .deadLetterDiscarded,
                let closure = try? event.data(as: DeadLetterClosure.self)
            else { continue }
            if prepared[closure.deadLetter] == nil { ids.append(closure.deadLetter) }
            if type == .deadLetterRedriven { positions.append(closure.position) }
        }
        if !ids.isEmpty {
            let request = DeadLettersRequest(DeadLetterSelection(ids: ids), limit: ids.count)
            for row in try await store.deadLetters(request) { prepared[row.id] = row }
        }
        try await cacheEvents(at: positions)
    }
}
