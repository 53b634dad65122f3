public import EventSourcing
import Foundation
public import WireProtocol
public import ZeroMQ

/// The event store as an async API, over one connection.
public struct EventStoreClient: Sendable {
    private let connection: RequestClient
    let loop: SocketLoop
    let context: Context

    /// Begins to connect; a store that is not there yet is waited for by the requests.
    public init(endpoint: String, on loop: SocketLoop, in context: Context) async throws {
        connection = try await RequestClient(endpoint: endpoint, on: loop, in: context)
        self.loop = loop
        self.context = context
    }

    public func close() async { await connection.close() }

    /// What the store says of itself: its log, its head, its feed.
    public func welcome(timeout: Duration = .seconds(30)) async throws -> Welcome {
        let hello = Array(
            try JSONEncoder().encode(Hello(client: ProcessInfo.processInfo.processName)))
        let answer = try await connection.request(.hello, within: timeout) { _ in [hello] }
        return try JSONDecoder().decode(Welcome.self, from: Data(answer.body.first ?? []))
    }

    /// Appends the events, all or none, if the condition holds.
    ///
    /// An answer that does not come is asked for again with the same events, under the same ids: that
    /// is safe, for the store keeps an id once.
    /// - Throws: `ProtocolError` for a refusal, `Unavailable` if no answer came within `timeout`,
    ///   `NameError` for an event that can't be written.
    public func append(
        _ events: [NewEvent], _ condition: AppendCondition = .any, timeout: Duration = .seconds(30)
    ) async throws -> Appended {
        var records: [UInt8] = []
        for event in events { try event.encode(into: &records) }
        let frames = [try condition.encoded(), records]
        let answer = try await connection.request(.append, within: timeout) { _ in frames }
        guard answer.header.kind == .appended, let body = answer.body.first else {
            throw ProtocolError(.malformed, "the answer to an append is a \(answer.header.kind)")
        }
        return try Appended(body.span)
    }

    /// The event of this id, if it is in the log.
    public func event(id: EventID, timeout: Duration = .seconds(30)) async throws -> RecordedEvent?
    {
        let frames = [Array("event".utf8), Array(id.description.utf8)]
        let answer = try await connection.request(.call, within: timeout) { _ in frames }
        guard let record = answer.body.first, !record.isEmpty else { return nil }
        return try RecordedEvent(record[...])
    }

    /// Reads what `request` asks for, chunk by chunk; the store sends no more than `body` has taken.
    ///
    /// A connection that is lost is taken up again where it was.
    /// - Returns: the position up to which every matching event has been seen.
    @discardableResult
    public func read(
        _ request: ReadRequest, timeout: Duration = .seconds(30),
        _ body: (RecordSequence) async throws -> Void
    ) async throws -> UInt64 {
        await connection.startRead()
        do {
            let end = try await readAll(request, timeout: timeout, body)
            await connection.endRead()
            return end
        } catch {
            await connection.endRead()
            throw error
        }
    }

    private func readAll(
        _ request: ReadRequest, timeout: Duration,
        _ body: (RecordSequence) async throws -> Void
    ) async throws -> UInt64 {
        var rest = request
        var deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            try Task.checkCancellation()
            let id = await connection.newRequest()
            do {
                try await connection.send(.read, id, [try rest.encoded()], until: deadline)
                while let message = await connection.next(id, until: .now + RequestClient.attempt) {
                    let (chunk, records) = try Self.chunk(Answer(message))
                    try await body(records)
                    rest.from = chunk.next
                    if rest.limit > 0 { rest.limit -= UInt64(chunk.count) }
                    if chunk.isLast {
                        await connection.forget(id)
                        return max(chunk.next, 1) - 1
                    }
                    deadline = .now + timeout
                    try await connection.send(.credit, id, [[1, 0, 0, 0]], until: deadline)
                }
            } catch {
                // The store need not go on with a read whose end nobody waits for.
                _ = try? await connection.send(.cancel, id, [], until: .now)
                await connection.forget(id)
                throw error
            }
            await connection.forget(id)
            guard await !connection.isClosed else { break }
        }
        throw Unavailable(endpoint: connection.endpoint, timeout: timeout)
    }

    private static func chunk(_ answer: Answer) throws -> (ChunkHeader, RecordSequence) {
        guard answer.header.kind == .chunk, answer.body.count == 2 else {
            throw ProtocolError(.malformed, "a read is answered in chunks")
        }
        let (head, records) = (answer.body[0], answer.body[1])
        return (try ChunkHeader(head.span), try RecordSequence(records[...]))
    }

    /// Every event behind `position` that matches, for good: those in the log, then those to come.
    public func subscribe(
        _ query: EventQuery = .all, after position: UInt64 = 0
    ) async throws -> Subscription {
        try await Subscription(query, after: position, of: self)
    }
}
