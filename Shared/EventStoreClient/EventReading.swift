import EventSourcing
import WireProtocol

/// A read of the log, in chunks that the store sends as the consumer takes them.
///
///     for try await batch in client.read(ReadRequest(.categories(["order"]))) { … }
///
/// The store sends at most the request's credit of chunks ahead. After a lost connection, the read
/// resumes where it was. When the consumer leaves the loop or is cancelled, the store stops the
/// read.
///
/// Iterating throws `ProtocolError` if the store rejects the read, `unavailable` if no chunk comes
/// within the timeout, and `CancellationError`. Each iteration is a new read.
public struct EventReading: AsyncSequence, Sendable {
    let request: ReadRequest
    let connection: RequestClient
    let timeout: Duration

    /// Returns the iterator of a new read.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// An iterator over the chunks of a read.
    public final class Iterator: AsyncIteratorProtocol {
        /// The request for the events that have not come yet.
        private var rest: ReadRequest
        private let connection: RequestClient
        private let timeout: Duration
        /// The request id of the open read, or nil.
        private var id: UInt64?
        private var isAtEnd = false

        fileprivate init(_ reading: EventReading) {
            rest = reading.request
            connection = reading.connection
            timeout = reading.timeout
        }

        deinit { endRead() }

        /// Returns the next chunk, or nil at the end.
        public func next(isolation actor: isolated (any Actor)?) async throws -> EventBatch? {
            guard !isAtEnd else { return nil }
            do {
                return try await nextChunk()
            } catch {
                isAtEnd = true
                endRead()
                throw error
            }
        }

        private func nextChunk() async throws -> EventBatch {
            // The time to wait for other reads does not count.
            var id = try await openRead()
            var attempts = Attempts(within: timeout)
            while let end = attempts.next() {
                if let message = try await connection.next(id, until: end) {
                    do {
                        return try await take(Answer(message), of: id)
                    } catch let error as ProtocolError
                        where error.code == .overloaded && end < attempts.deadline
                    {
                        // As late as the retry of a request that was answered like this.
                        try await Task.sleep(until: end)
                    }
                } else {
                    try await connection.checkConnection()
                }
                guard await !connection.isClosed, .now < attempts.deadline else { break }
                // The store may have restarted and lost this read.
                endRead()
                id = try await openRead()
            }
            throw DaybookError.noAnswer(from: connection.endpoint, within: timeout)
        }

        /// Returns the request id of the open read, or starts a new read.
        private func openRead() async throws -> UInt64 {
            if let id { return id }
            guard let opened = try await connection.openRead() else {
                throw DaybookError.noAnswer(from: connection.endpoint, within: timeout)
            }
            id = opened
            let frames = [try rest.encoded()]
            try await connection.send(.read, opened, frames, until: .now + RequestClient.attempt)
            return opened
        }

        /// Ends the open read, if there is one: the store stops it unless it has sent it all, and
        /// its place goes to the next waiting read.
        private func endRead(isFinished: Bool = false) {
            guard let id else { return }
            self.id = nil
            // A new task, because the reading one may be cancelled.
            Task(executorPreference: connection.loop) { [connection] in
                await connection.endRead(id, isFinished: isFinished)
            }
        }

        private func take(_ answer: Answer, of id: UInt64) async throws -> EventBatch {
            guard answer.header.kind == .chunk, answer.body.count == 2 else {
                throw ProtocolError(.malformed, "the answer to a read is not a chunk")
            }
            let (head, records) = (answer.body[0], answer.body[1])
            let chunk = try ChunkHeader(head.span)
            let events = Array(try RecordSequence(records[...]))
            if chunk.isLast {
                isAtEnd = true
                endRead(isFinished: true)
            } else {
                rest.from = chunk.next
                guard rest.limit == 0 || rest.limit > events.count else {
                    throw ProtocolError(
                        .malformed, "the store sent more events than the read's limit")
                }
                if rest.limit > 0 { rest.limit -= UInt64(events.count) }
                let one: [UInt8] = [1, 0, 0, 0]
                try await connection.send(
                    .credit, id, [one], until: .now + RequestClient.attempt)
            }
            let isForwards = rest.direction == .forwards
            return EventBatch(
                events: events, through: isForwards ? Swift.max(chunk.next, 1) - 1 : chunk.next,
                isCaughtUp: isForwards && chunk.next > chunk.head)
        }
    }
}
