public import EventSourcing
import Foundation
import JSON
public import WireProtocol

/// Receives and acknowledges deliveries of one queue, step by step.
///
/// `QueueWorker` does the same for as long as a process runs.
public struct QueueConsumer: Sendable {
    /// The name of the queue.
    public let queue: String
    /// The consumer's name, for ``release()``. No two running consumers may share a name.
    public let name: String
    let connection: RequestClient

    /// Returns up to `maximum` deliveries, or none if none came within `wait`, at most one second.
    ///
    /// A delivery belongs to the consumer until it is acknowledged or given back, or its visibility
    /// timeout passes and it is redelivered. Without a visibility timeout, the queue's own applies.
    /// Only one event of a group is in flight at a time.
    ///
    /// - Parameter token: the id of this receive. If the answer did not come, repeat the receive
    ///   with the same token: it gets the same deliveries.
    /// - Throws: `ProtocolError` if the queue does not exist, `unavailable` if no answer came
    ///   within `timeout`.
    public func receive(
        _ maximum: Int, visibilityTimeout: Duration? = nil,
        wait: Duration = .seconds(ReceiveRequest.maximumWait), token: EventID = .random(),
        timeout: Duration = .seconds(30)
    ) async throws -> [Delivery] {
        let request = ReceiveRequest(
            queue: queue, consumer: name, token: token, maximum: maximum,
            visibilityTimeout: visibilityTimeout?.inSeconds, wait: wait.inSeconds)
        let argument = try JSON.encode(request)
        // A repeated call has the same token, so it gets the same answer.
        return try Delivery.read(
            try await connection.call(BusCall.receive, within: timeout) { _ in argument })
    }

    /// Acknowledges, gives back or extends deliveries. The results are on disk when it returns.
    ///
    /// - Returns: whether each one took effect, now or when the consumer sent it before. If not,
    ///   the delivery ended otherwise, or before a restart of the event store, or its visibility
    ///   timeout has passed and it is redelivered.
    /// - Throws: `ProtocolError` for an invalid verdict, `unavailable` if no answer came within
    ///   `timeout`.
    @discardableResult
    public func acknowledge(
        _ acknowledgements: [Acknowledgement], timeout: Duration = .seconds(30)
    ) async throws -> [Bool] {
        func inHalves() async throws -> [Bool] {
            let half = acknowledgements.count / 2
            return try await acknowledge(Array(acknowledgements.prefix(half)), timeout: timeout)
                + acknowledge(Array(acknowledgements.dropFirst(half)), timeout: timeout)
        }
        guard acknowledgements.count <= Acknowledgement.maximumCount else {
            return try await inHalves()
        }
        let argument = try Acknowledgement.frame(acknowledgements, of: queue)
        guard argument.count <= Limits.argumentBytes || acknowledgements.count < 2 else {
            return try await inHalves()
        }
        return try await connection.call(BusCall.acknowledge, within: timeout) { _ in argument }
            .map { $0 != 0 }
    }

    /// Releases what is in flight to a consumer of this name, for immediate redelivery.
    ///
    /// The deliveries count as lost. To give deliveries back that were not handled, without a
    /// receive, acknowledge them as `returned`.
    ///
    /// - Returns: the number of deliveries.
    @discardableResult
    public func release(timeout: Duration = .seconds(30)) async throws -> Int {
        try await connection.call(
            BusCall.release, within: timeout, json: ReleaseRequest(queue: queue, consumer: name))
    }

    /// Closes the consumer's connection.
    public func close() async { await connection.close() }
}

extension EventStoreClient {
    /// Returns a consumer of the queue with a connection of its own. The caller must close it.
    ///
    /// - Parameter name: the consumer's name, or nil for a unique name of this process.
    /// - Throws: `unavailable` if the store does not answer, `ProtocolError` if it has no bus.
    public func consumer(
        of queue: String, named name: String? = nil, timeout: Duration? = nil
    ) async throws -> QueueConsumer {
        let process = ProcessInfo.processInfo
        return QueueConsumer(
            queue: queue,
            name: name
                ?? "\(process.processName)@\(process.hostName):\(process.processIdentifier)"
                + "/\(EventID.random())",
            connection: try await furtherConnection {
                try await RequestClient(
                    endpoint: try await busEndpoint(timeout: timeout), to: Self.name, on: loop,
                    in: context)
            })
    }

    /// Returns the endpoint of the store's bus.
    ///
    /// - Throws: `unavailable` if the store does not answer, `ProtocolError` if it has no bus.
    public func busEndpoint(timeout: Duration? = nil) async throws -> String {
        let welcome = try await welcome(timeout: timeout)
        guard let bus = welcome.bus else {
            throw ProtocolError(.notFound, "\(welcome.server) has no bus")
        }
        return bus
    }
}
