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
        private var place: ReadPlace?
        private var isAtEnd = false

        fileprivate init(_ reading: EventReading) {
            rest = reading.request
            connection = reading.connection
            timeout = reading.timeout
        }

        /// Returns the next chunk, or nil at the end.
        public func next(isolation actor: isolated (any Actor)?) async throws -> EventBatch? {
            guard !isAtEnd else { return nil }
            do {
                return try await nextChunk()
            } catch {
                isAtEnd = true
                place = nil
                throw error
            }
        }

        private func nextChunk() async throws -> EventBatch {
            var place = try await openPlace()
            let deadline = ContinuousClock.now + timeout
            var attempts = 0
            while true {
                attempts += 1
                let end = Swift.min(deadline, .now + RequestClient.attemptTimeout(attempts))
                if let message = try await connection.next(place.id, until: end) {
                    return try await take(Answer(message), from: place)
                }
                guard await !connection.isClosed, .now < deadline else {
                    throw DaybookError.noAnswer(from: connection.endpoint, within: timeout)
                }
                // The store may have restarted and lost this read.
                self.place = nil
                place = try await openPlace()
            }
        }

        /// Returns the place of the open read, or starts a new read.
        private func openPlace() async throws -> ReadPlace {
            if let place { return place }
            guard let id = try await connection.openRead() else {
                throw DaybookError.noAnswer(from: connection.endpoint, within: timeout)
            }
            let opened = ReadPlace(id, of: connection)
            place = opened
            let frames = [try rest.encoded()]
            try await connection.send(.read, id, frames, until: .now + RequestClient.attempt)
            return opened
        }

        private func take(_ answer: Answer, from place: ReadPlace) async throws -> EventBatch {
            guard answer.header.kind == .chunk, answer.body.count == 2 else {
                throw ProtocolError(.malformed, "the answer to a read is not a chunk")
            }
            let (head, records) = (answer.body[0], answer.body[1])
            let chunk = try ChunkHeader(head.span)
            let events = Array(try RecordSequence(records[...]))
            if chunk.isLast {
                isAtEnd = true
                place.isFinished = true
                self.place = nil
            } else {
                rest.from = chunk.next
                guard rest.limit == 0 || rest.limit > events.count else {
                    throw ProtocolError(
                        .malformed, "the store sent more events than the read's limit")
                }
                if rest.limit > 0 { rest.limit -= UInt64(events.count) }
                let one: [UInt8] = [1, 0, 0, 0]
                try await connection.send(
                    .credit, place.id, [one], until: .now + RequestClient.attempt)
            }
            let isForwards = rest.direction == .forwards
            return EventBatch(
                events: events, through: isForwards ? Swift.max(chunk.next, 1) - 1 : chunk.next,
                isCaughtUp: isForwards && chunk.next > chunk.head)
        }
    }
}

/// A place among the open reads of a connection.
///
/// When it is released, the store stops the read and the place goes to the next waiting read.
private final class ReadPlace {
    let id: UInt64
    /// Whether the store has sent the whole read.
    var isFinished = false
    private let connection: RequestClient

    init(_ id: UInt64, of connection: RequestClient) {
        self.id = id
        self.connection = connection
    }

    deinit {
        let (id, isFinished, connection) = (id, isFinished, connection)
        // A new task, because the reading one may be cancelled.
        Task(executorPreference: connection.loop) {
            await connection.endRead(id, isFinished: isFinished)
        }
    }
}
