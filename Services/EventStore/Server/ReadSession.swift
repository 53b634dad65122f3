import EventLog
import EventSourcing
import WireProtocol

/// Which read of which client.
struct ReadKey: Hashable {
    let peer: [UInt8]
    let requestID: UInt64
}

/// A read under way: what of it is left, and how much of that may be sent.
struct ReadSession {
    private(set) var next: LogRead
    private(set) var credit: UInt32
    private(set) var lastGrant = ContinuousClock.now

    init(_ request: ReadRequest) {
        let isBackwards = request.direction == .backwards
        let from = isBackwards && request.from == 0 ? .max : request.from
        let isTimed = request.since != .distantPast || request.before != .distantFuture
        next = LogRead(
            request.query, isBackwards: isBackwards, from: from,
            to: request.to == 0 ? nil : request.to,
            times: isTimed ? request.since..<max(request.since, request.before) : nil,
            maximumCount: request.limit == 0 ? .max : Int(clamping: request.limit),
            maximumBytes: Int(min(request.chunkBytes, 1 << 20)))
        credit = request.credit
    }

    mutating func grant(_ chunks: UInt32) {
        credit = credit.addingReportingOverflow(chunks).overflow ? .max : credit + chunks
        lastGrant = .now
    }

    /// Goes on behind `chunk`, and says what the client is told of it.
    mutating func advance(_ chunk: LogChunk, head: UInt64) -> ChunkHeader {
        credit -= 1
        next.maximumCount -= chunk.events.count
        let isLast = chunk.next == nil || next.maximumCount == 0
        let end: UInt64 = next.isBackwards ? 0 : max(next.from, min(head, next.to ?? head) + 1)
        next.from = chunk.next ?? end
        return ChunkHeader(
            next: next.from, head: head, count: UInt32(chunk.events.count), isLast: isLast)
    }
}

extension ProtocolError {
    /// How a refused append is told.
    init(_ error: AppendError) {
        switch error {
        case .invalid: self.init(.invalid, error.description)
        case .wrongRevision(_, let actual):
            self.init(.wrongRevision, detail: actual.map { $0 + 1 } ?? 0, error.description)
        case .conditionFailed(let position):
            self.init(.conditionFailed, detail: position, error.description)
        case .idReused(_, let position):
            self.init(.idReused, detail: position, error.description)
        case .log: self.init(.unavailable, error.description)
        }
    }
}
