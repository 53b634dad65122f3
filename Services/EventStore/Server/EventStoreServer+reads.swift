import EventLog
import EventSourcing
import WireProtocol

extension EventStoreServer {
    /// Sends one chunk for each read whose turn it is. Returns false if there was none.
    func serveReads() -> Bool {
        let ready = reads.takeReady()
        guard !ready.isEmpty else { return false }
        let sealed = log.sealed
        for key in ready {
            // A key is queued twice if its client started another read under it.
            guard var session = reads[key], session.credit > 0, !session.isElsewhere
            else { continue }
            if !session.isRaw { session.read.amendments = amendments.byPosition }
            guard session.read.isDone || session.read.position >= sealed.end else {
                session.isElsewhere = true
                reads.advance(session, key)
                sealedJobs.continuation.yield(
                    SealedReads.Job(
                        key: key, serial: session.serial, read: session.read, segments: sealed,
                        chunks: min(session.credit, SealedReads.turn)))
                continue
            }
            do {
                let chunk = try log.readRecent(&session.read)
                deliver(chunk, session, key)
            } catch {
                fail(key, error)
            }
        }
        return true
    }

    /// Reads sealed segments on another thread, one job after the other, and sends the chunks.
    func serveSealedReads() async throws {
        for await job in sealedJobs.stream {
            let results = await sealedReads.run(job)
            for (index, (chunk, read)) in results.enumerated() {
                // Meanwhile the read may have been cancelled or replaced, or may have got more
                // credit.
                guard var session = reads[job.key], session.serial == job.serial else { break }
                session.read = read
                session.isElsewhere = index < results.count - 1
                switch chunk {
                case .success(let chunk): deliver(chunk, session, job.key)
                case .failure(let damage): fail(job.key, damage)
                }
            }
            // Serve reads that reached the recent events here, because the request loop may be
            // waiting.
            while serveReads() { await Task.yield() }
        }
        throw CancellationError()
    }

    /// Sends the chunk. Sends an empty one only as the end of the read.
    private func deliver(_ chunk: LogChunk, _ session: ReadSession, _ key: ReadKey) {
        var session = session
        let isLast = session.isAtEnd(head: log.head)
        guard isLast || chunk.count > 0 else { return reads.advance(session, key) }
        let header = ChunkHeader(
            next: session.read.position, head: log.head, count: UInt32(chunk.count),
            isLast: isLast)
        session.credit -= 1
        counts.eventsRead += UInt64(chunk.count)
        let isSent = send(key, .chunk, header.bytes, chunk.bytes)
        if isSent, !isLast { reads.advance(session, key) } else { reads.end(key) }
    }

    private func fail(_ key: ReadKey, _ error: LogError) {
        reads.end(key)
        send(key, .error, countedBody(of: ProtocolError(error)))
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
