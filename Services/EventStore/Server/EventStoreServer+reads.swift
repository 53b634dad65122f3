import CallServer
import EventLog
import EventSourcing
import WireProtocol
import ZeroMQ

extension EventStoreServer {
    /// What may wait for clients to read it before their reads pause.
    private static let chunks = UnsentBytes.Limits(
        always: 64 << 10, ofConnection: 4 << 20, ofCaller: 64 << 20)
    /// How long reads are served before requests have their turn.
    private static let turn: Duration = .milliseconds(3)

    /// Sends chunks for reads whose turn it is. Returns false if there was none.
    func serveReads() -> Bool {
        let end = ContinuousClock.now + Self.turn
        var hasServed = false
        while let key = reads.nextReady() {
            hasServed = true
            // Credit may have brought it here twice.
            guard let session = reads[key], session.credit > 0, !session.isElsewhere else {
                continue
            }
            let start = ThreadClock.now
            serve(session, key)
            reads.charge(ThreadClock.now - start, for: session, key)
            if .now >= end { break }
        }
        return hasServed
    }

    private func serve(_ session: ReadSession, _ key: ReadKey) {
        guard session.read.isDone || session.read.position >= log.sealed.end else {
            reads.continueSealed(session, key)
            sealedSignal.continuation.yield()
            return
        }
        guard let room = room(for: session, key) else { return }
        var session = session
        prepare(&session, chunkBytes: room.chunkBytes)
        do {
            let chunk = try log.readRecent(&session.read)
            deliver(chunk, session, key)
        } catch {
            fail(key, error)
        }
    }

    /// Sets what the next chunks of the read depend on: their size and the amendments in effect.
    private func prepare(_ session: inout ReadSession, chunkBytes: Int) {
        session.read.chunkBytes = chunkBytes
        if !session.isRaw { session.read.amendments = amendments.byPosition }
    }

    /// Returns how large the next chunk of the read may be, and for how many bytes of chunks there
    /// is room. If the client has not read enough of what was sent, returns nil, and the read
    /// pauses until it has.
    ///
    /// A client for which nothing waits always gets a small chunk.
    private func room(
        for session: ReadSession, _ key: ReadKey
    ) -> (chunkBytes: Int, bytes: Int)? {
        let unsent = outboxes.unsent(of: key.peer, session.caller)
        // Chunks of 0 bytes have a record each, so they need room, too.
        let wanted = max(session.chunkBytes, 1)
        // The client may read in between, and then nothing would wake the read. So look again.
        for isLast in [false, true] {
            let room = unsent.room(within: Self.chunks)
            if room >= wanted { return (wanted, room) }
            if unsent.bytes == 0 { return (min(wanted, room), room) }
            if !isLast { unsent.awaitRoom() }
        }
        reads.pause(key)
        return nil
    }

    /// Continues the reads of clients that have read what was sent.
    func servePausedReads() async throws {
        for await peer in freed.stream {
            reads.resume(peer)
            await serveReadsWhileIdle()
        }
        throw CancellationError()
    }

    /// Serves reads while the request loop waits for requests. Otherwise that loop serves them.
    private func serveReadsWhileIdle() async {
        while isIdle, serveReads() { await Task.yield() }
    }

    /// Reads sealed segments on another thread, one job after the other, and sends the chunks.
    func serveSealedReads() async throws {
        for await _ in sealedSignal.stream {
            while let key = reads.nextSealed() {
                if let session = reads[key], let job = sealedJob(key) {
                    let start = ContinuousClock.now
                    send(await sealedReads.run(job), of: job)
                    reads.charge(.now - start, for: session, key)
                }
                // The read may have reached the recent events.
                await serveReadsWhileIdle()
            }
        }
        throw CancellationError()
    }

    private func sealedJob(_ key: ReadKey) -> SealedReads.Job? {
        // The client may have started another read under this key.
        guard var session = reads[key], session.isElsewhere, let room = room(for: session, key)
        else { return nil }
        prepare(&session, chunkBytes: room.chunkBytes)
        return SealedReads.Job(
            key: key, serial: session.serial, read: session.read, segments: log.sealed,
            chunks: min(Int(session.credit), SealedReads.turn), bytes: room.bytes)
    }

    private func send(
        _ results: [(chunk: Result<LogChunk, LogError>, read: LogRead)], of job: SealedReads.Job
    ) {
        if results.isEmpty, var session = reads[job.key], session.serial == job.serial {
            session.isElsewhere = false
            reads.advance(session, job.key)
        }
        for (index, (chunk, read)) in results.enumerated() {
            // Meanwhile the read may have been cancelled or replaced, or may have got more credit.
            guard var session = reads[job.key], session.serial == job.serial else { break }
            session.read = read
            session.isElsewhere = index < results.count - 1
            switch chunk {
            case .success(let chunk):
                // The read will need the chunks behind one that was not sent once more.
                guard deliver(chunk, session, job.key) else { return }
            case .failure(let damage): fail(job.key, damage)
            }
        }
    }

    /// Sends the chunk, and stores the state of the read behind it. Sends an empty one only as the
    /// end of the read.
    ///
    /// Returns false if the chunk was not sent. Then the read has ended, or it pauses in the state
    /// before the chunk.
    @discardableResult
    private func deliver(_ chunk: LogChunk, _ session: ReadSession, _ key: ReadKey) -> Bool {
        var session = session
        let isLast = session.isAtEnd(head: log.head)
        guard isLast || chunk.count > 0 else {
            reads.advance(session, key)
            return true
        }
        let header = ChunkHeader(
            next: session.read.position, head: log.head, count: UInt32(chunk.count),
            isLast: isLast)
        let unsent = outboxes.unsent(of: key.peer, session.caller)
        guard let isSent = send(key, .chunk, [header.bytes, chunk.bytes], countedBy: unsent) else {
            reads.end(key)
            return false
        }
        guard isSent else {
            // Small chunks: as many messages wait for the client as may, of few bytes.
            unsent.awaitRoom()
            reads.pause(key)
            // All of them were sent in between. libzmq accepts more in a moment.
            if unsent.bytes == 0 { reads.resume(key.peer) }
            return false
        }
        session.credit -= 1
        counts.eventsRead += UInt64(chunk.count)
        if isLast { reads.end(key) } else { reads.advance(session, key) }
        return true
    }

    private func fail(_ key: ReadKey, _ error: LogError) {
        guard let caller = reads[key]?.caller else { return }
        reads.end(key)
        send(key, .error, countedBody(of: ProtocolError(error)), to: caller)
    }
}

extension ProtocolError {
    /// Converts an append's rejection.
    init(_ error: AppendError) {
        switch error {
        case .invalid: self.init(.invalid, error.description)
        case .wrongRevision(_, let actual):
            self.init(.wrongRevision, detail: actual.map { $0 + 1 } ?? 0, error.description)
        case .conditionFailed(let position):
            self.init(.conditionFailed, detail: position, error.description)
        case .idReused(_, let position), .partlyKnown(_, let position, _, _):
            self.init(.idReused, detail: position, error.description)
        case .log(let error): self.init(error)
        }
    }

    /// Converts a failure of the log.
    init(_ error: LogError) {
        self.init(
            error.kind == .damaged ? .damaged : .unavailable, detail: error.position ?? 0,
            error.description)
    }
}
