import EventSourcing
import WireProtocol

/// What a read of the log gives, chunk by chunk, as the consumer takes them:
///
///     for try await batch in client.read(ReadRequest(.categories(["order"]))) { … }
///
/// The store sends no more chunks ahead than the request's credit. A connection that is lost is
/// taken up again where it was. Who leaves the loop, or is cancelled in it, ends the read at the
/// store.
///
/// Iterating throws `ProtocolError` for what the store refuses, `Unavailable` when no chunk comes
/// within the timeout, and `CancellationError`. Each iteration is a read of its own.
public struct EventReading: AsyncSequence, Sendable {
    let request: ReadRequest
    let connection: RequestClient
    let timeout: Duration

    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    public final class Iterator: AsyncIteratorProtocol {
        /// What is still to come.
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
                let end = Swift.min(deadline, .now + RequestClient.patience(attempts))
                if let message = try await connection.next(place.id, until: end) {
                    return try await take(Answer(message), from: place)
                }
                guard await !connection.isClosed, .now < deadline else {
                    throw DaybookError.noAnswer(from: connection.endpoint, within: timeout)
                }
                // The store may have been restarted, and know nothing of this read.
                self.place = nil
                place = try await openPlace()
            }
        }

        /// The read under way; a new one if there is none.
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
                throw ProtocolError(.malformed, "a read is answered in chunks")
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

/// A place among the open reads of a connection. When it is dropped, the read ends at the store and
/// the place goes to who waits for one.
private final class ReadPlace {
    let id: UInt64
    /// Whether the store has sent all of it.
    var isFinished = false
    private let connection: RequestClient

    init(_ id: UInt64, of connection: RequestClient) {
        self.id = id
        self.connection = connection
    }

    deinit {
        let (id, isFinished, connection) = (id, isFinished, connection)
        // Not part of the task that read: that one may have been cancelled.
        Task(executorPreference: connection.loop) {
            await connection.endRead(id, isFinished: isFinished)
        }
    }
}
