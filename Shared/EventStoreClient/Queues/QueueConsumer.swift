public import EventSourcing
import Foundation
import JSON
public import WireProtocol

/// Takes deliveries of one queue and settles them. `QueueWorker` does so for as long as a process
/// runs; this is for who wants each step in hand.
public struct QueueConsumer: Sendable {
    public let queue: String
    /// Who takes the deliveries, for ``release()``: no two that run at the same time have one name.
    public let name: String
    let connection: RequestClient

    /// The next deliveries, up to `maximum`; none if there were none for as long as `wait`, which
    /// is a second at most.
    ///
    /// Each is the consumer's alone until it is settled or the visibility timeout, the queue's own
    /// if nil, has passed; then it is delivered again. Of one group there is one at a time.
    /// - Parameter token: a new one for each receive. If the answer did not come, repeat the
    ///   receive with the same token: it gets the same deliveries.
    /// - Throws: `ProtocolError` if there is no such queue, `Unavailable` if no answer came within
    ///   `timeout`.
    public func receive(
        _ maximum: Int, visibilityTimeout: Duration? = nil,
        wait: Duration = .seconds(ReceiveRequest.maximumWait), token: EventID = .random(),
        timeout: Duration = .seconds(30)
    ) async throws -> [Delivery] {
        let request = ReceiveRequest(
            queue: queue, consumer: name, token: token, maximum: maximum,
            visibilityTimeout: visibilityTimeout?.inSeconds, wait: wait.inSeconds)
        let argument = try JSON.encode(request)
        // Repeated with the same token, it gets the same answer.
        return try Delivery.read(
            try await connection.call(BusCall.receive, within: timeout) { _ in argument })
    }

    /// Settles deliveries; what is done is on disk when this returns.
    ///
    /// - Returns: for each whether it took effect; if not, the delivery was settled before, or its
    ///   time had passed and it is delivered again.
    @discardableResult
    public func settle(
        _ settlements: [Settlement], timeout: Duration = .seconds(30)
    ) async throws -> [Bool] {
        let argument = try Settlement.frame(settlements, of: queue)
        return try await connection.call(BusCall.settle, within: timeout) { _ in argument }
            .map { $0 != 0 }
    }

    /// Gives back at once what was in flight to a consumer of this name, which has ended.
    ///
    /// - Returns: how many deliveries.
    @discardableResult
    public func release(timeout: Duration = .seconds(30)) async throws -> Int {
        let argument = try JSON.data(ReleaseRequest(queue: queue, consumer: name))
        let answer = try await connection.call(BusCall.release, within: timeout) { _ in
            Array(argument)
        }
        return try JSON.decode(Int.self, from: answer)
    }

    public func close() async { await connection.close() }
}

extension EventStoreClient {
    /// A consumer of the queue, over a connection of its own, which is to be closed.
    ///
    /// - Parameter name: see ``QueueConsumer/name``; of the process, if nil.
    /// - Throws: `Unavailable` if the store does not answer, `ProtocolError` if it has no bus.
    public func consumer(
        of queue: String, named name: String? = nil, timeout: Duration = .seconds(30)
    ) async throws -> QueueConsumer {
        let process = ProcessInfo.processInfo
        return QueueConsumer(
            queue: queue,
            name: name
                ?? "\(process.processName)@\(process.hostName):\(process.processIdentifier)"
                + "/\(EventID.random())",
            connection: try await RequestClient(
                endpoint: try await busEndpoint(timeout: timeout), to: Self.name, on: loop,
                in: context))
    }

    /// Where the store's bus takes its calls.
    ///
    /// - Throws: `Unavailable` if the store does not answer, `ProtocolError` if it has no bus.
    public func busEndpoint(timeout: Duration = .seconds(30)) async throws -> String {
        let welcome = try await welcome(timeout: timeout)
        guard let bus = welcome.bus else {
            throw ProtocolError(.notFound, "\(welcome.server) has no bus")
        }
        return bus
    }
}
